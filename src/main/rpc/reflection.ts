// gRPC server reflection, of one .proto file with all that it imports: grpcurl finds the calls and their messages by it.

import { join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { PACKAGE_ROOT } from '../package-root.ts';
import { addLazily } from './lazy-services.ts';

export function addReflection(server: Server, protoFile: string): void {
  const methods = {
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': 'bidi',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': 'bidi',
  } as const;
  addLazily(server, methods, async () => {
    const [{ loadSync }, { ReflectionService }] = await Promise.all([
      import('@grpc/proto-loader'),
      import('@grpc/reflection'),
    ]);
    return new ReflectionService(loadSync([protoFile], { includeDirs: [join(PACKAGE_ROOT, 'proto')] }));
  });
}
