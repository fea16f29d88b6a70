// In which order a task is undone, and what its fault then says.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Fault, FaultError, toFault } from '../../src/shared/faults.ts';
import { ToolError } from '../../src/workers/exec.ts';
import { withUndo } from '../../src/workers/undo.ts';

const FAULT = new FaultError('no-space', 'Cannot go on: nothing left');

async function faultOf(action: Promise<unknown>): Promise<Fault> {
  return action.then(
    () => toFault('it did not fail'),
    (error: unknown) => toFault(error),
  );
}

test('withUndo() undoes nothing when the action succeeds', async () => {
  const undone: string[] = [];
  const answer = await withUndo(async (note) => {
    note('a', async () => void undone.push('a'));
    return 7;
  });
  assert.is(answer, 7);
  assert.equal(undone, []);
});

test('withUndo() undoes in reverse and throws the same fault when the action fails', async () => {
  const undone: string[] = [];
  const action = withUndo(async (note) => {
    note('a', async () => void undone.push('a'));
    note('b', async () => void undone.push('b'));
    throw FAULT;
  });
  assert.equal(await faultOf(action), {
    code: 'no-space',
    message: 'Cannot go on: nothing left',
    leaves: 'nothing',
  });
  assert.equal(undone, ['b', 'a']);
});

test('withUndo() goes on undoing and names what is left when a step fails', async () => {
  const undone: string[] = [];
  const action = withUndo(async (note) => {
    note('thin id 4', async () => void undone.push('a'));
    note('device "d"', async () => {
      throw new FaultError('device-busy', 'Cannot remove "d": EBUSY');
    });
    throw FAULT;
  });
  const fault = await faultOf(action);
  assert.is(fault.code, 'no-space');
  assert.is(fault.leaves, 'something');
  assert.is(fault.message, 'Cannot go on: nothing left; left behind: device "d" (Cannot remove "d": EBUSY)');
  assert.equal(undone, ['a']);
});

test('withUndo() does not say that nothing is left when a tool was ended before it answered', async () => {
  const action = withUndo(async () => {
    throw new ToolError({ code: 'timeout', message: 'Cannot finish dmsetup' }, { exitCode: null, stderr: '' });
  });
  assert.is((await faultOf(action)).leaves, 'something');
});

test.run();
