// The standard health service (grpc.health.v1).

import type { Server } from '@grpc/grpc-js';
import type { HealthImplementation, ServingStatus } from 'grpc-health-check';
import { addLazily } from './lazy-services.ts';

export class Health {
  readonly #services: readonly string[];
  #status: ServingStatus = 'SERVING';
  #loaded: HealthImplementation | null = null;

  /** Of the server as a whole, whose name is empty, and of these. */
  constructor(serviceNames: readonly string[]) {
    this.#services = ['', ...serviceNames];
  }

  addToServer(server: Server): void {
    const methods = {
      '/grpc.health.v1.Health/Check': 'unary',
      '/grpc.health.v1.Health/Watch': 'serverStream',
      '/grpc.health.v1.Health/List': 'unary',
    } as const;
    addLazily(server, methods, async () => {
      const { HealthImplementation } = await import('grpc-health-check');
      this.#loaded = new HealthImplementation(Object.fromEntries(this.#services.map((name) => [name, this.#status])));
      return this.#loaded;
    });
  }

  /** Who watches is told. */
  stop(): void {
    this.#status = 'NOT_SERVING';
    for (const name of this.#services) this.#loaded?.setStatus(name, this.#status);
  }
}
