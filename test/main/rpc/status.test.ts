// What containerd is told: the codes that its own errdefs turn into the errors it acts on.

import { status } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GRPC_STATUS } from '../../../src/main/rpc/status.ts';
import { FAULT_CODES } from '../../../src/shared/faults.ts';

test('GRPC_STATUS has a status for every fault, never OK, UNKNOWN or CANCELLED', () => {
  assert.equal(Object.keys(GRPC_STATUS).sort(), [...FAULT_CODES].sort());
  const statuses = new Set<status>(Object.values(GRPC_STATUS));
  for (const never of [status.OK, status.UNKNOWN, status.CANCELLED]) assert.not.ok(statuses.has(never));
});

test('GRPC_STATUS tells apart what containerd acts on', () => {
  assert.is(GRPC_STATUS['not-found'], status.NOT_FOUND);
  assert.is(GRPC_STATUS['already-exists'], status.ALREADY_EXISTS);
  assert.is(GRPC_STATUS.precondition, status.FAILED_PRECONDITION);
  assert.is(GRPC_STATUS.invalid, status.INVALID_ARGUMENT);
  assert.is(GRPC_STATUS.unavailable, status.UNAVAILABLE);
  assert.is(GRPC_STATUS.unsupported, status.UNIMPLEMENTED);
  assert.is(GRPC_STATUS.bug, status.INTERNAL);
});

test.run();
