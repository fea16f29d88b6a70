// Faults as gRPC statuses: the one table, complete by its type.

import { status } from '@grpc/grpc-js';
import type { FaultCode } from '../../shared/faults.ts';

/** containerd's codes (containerd's errdefs); a garbage collection of its stops at anything but the first three of Remove. */
export const GRPC_STATUS = {
  'not-found': status.NOT_FOUND,
  'already-exists': status.ALREADY_EXISTS,
  precondition: status.FAILED_PRECONDITION,
  invalid: status.INVALID_ARGUMENT,
  unsupported: status.UNIMPLEMENTED,
  'no-space': status.RESOURCE_EXHAUSTED,
  overloaded: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
  'device-busy': status.UNAVAILABLE,
  'device-missing': status.INTERNAL,
  'device-exists': status.INTERNAL,
  'thin-id-taken': status.INTERNAL,
  'thin-id-missing': status.INTERNAL,
  'pool-unsound': status.UNAVAILABLE,
  'tool-missing': status.INTERNAL,
  io: status.INTERNAL,
  bug: status.INTERNAL,
} satisfies Record<FaultCode, status>;
