// The fault that an action ends with; whatever else happens fails the test.

import { FaultError } from '../../src/shared/faults.ts';

export async function faultOf(action: Promise<unknown>): Promise<FaultError> {
  const outcome = await action.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (!(outcome instanceof FaultError)) throw outcome;
  return outcome;
}
