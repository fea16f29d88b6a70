// The snapshots service as a test speaks it: one short line per call.

import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Info,
  type InfoSchema,
  Snapshots,
  type UsageResponse,
} from '../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Mount } from '../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import type { GrpcClient } from './grpc-client.ts';

export type LabelMap = Readonly<Record<string, string>>;

export class SnapshotsClient {
  readonly grpc: GrpcClient;

  constructor(grpc: GrpcClient) {
    this.grpc = grpc;
  }

  async prepare(key: string, parent = '', labels: LabelMap = {}): Promise<readonly Mount[]> {
    return (await this.grpc.call(Snapshots.method.prepare, { key, parent, labels })).mounts;
  }

  async view(key: string, parent = '', labels: LabelMap = {}): Promise<readonly Mount[]> {
    return (await this.grpc.call(Snapshots.method.view, { key, parent, labels })).mounts;
  }

  async mounts(key: string): Promise<readonly Mount[]> {
    return (await this.grpc.call(Snapshots.method.mounts, { key })).mounts;
  }

  async commit(name: string, key: string, labels: LabelMap = {}): Promise<void> {
    await this.grpc.call(Snapshots.method.commit, { name, key, labels });
  }

  async remove(key: string): Promise<void> {
    await this.grpc.call(Snapshots.method.remove, { key });
  }

  async stat(key: string): Promise<Info> {
    return present((await this.grpc.call(Snapshots.method.stat, { key })).info);
  }

  async update(info: MessageInitShape<typeof InfoSchema>, paths: readonly string[] = []): Promise<Info> {
    return present((await this.grpc.call(Snapshots.method.update, { info, updateMask: { paths: [...paths] } })).info);
  }

  async list(...filters: readonly string[]): Promise<readonly Info[]> {
    const answers = await this.grpc.collect(Snapshots.method.list, { filters: [...filters] });
    return answers.flatMap(({ message }) => message.info);
  }

  async usage(key: string): Promise<UsageResponse> {
    return this.grpc.call(Snapshots.method.usage, { key });
  }

  async cleanup(): Promise<void> {
    await this.grpc.call(Snapshots.method.cleanup, {});
  }

  close(): void {
    this.grpc.close();
  }
}

function present(info: Info | undefined): Info {
  if (info === undefined) throw new Error('The daemon answered without an info');
  return info;
}
