// Scenarios in which calls were answered, or something was left, as the model says that it must not be: each once went wrong, and is
// run again each time. One that is found is put here as the failure shows it, under what was seen, with the commit that mended it.
// The four before there was this list were brought back by taking their mending away. A scenario says in which order everything
// goes on: with more or fewer steps on the way it is another one, and as good as any.

import { NO_STANDBY } from '../core.ts';
import type { Call } from './calls.ts';
import type { Settings } from './life.ts';
import type { Aim, Scenario } from './scenarios.ts';

const CALM = { warm: true, nature: [], troubles: [] };
const PLAIN: Settings = { removalWaits: false, discardBlocks: false, standby: NO_STANDBY };

export const PAST_SCENARIOS: Readonly<Record<string, Scenario>> = {
  // Mended by 98e4a5f.
  'a worker that ended between the suspend and the resume of a snapshot in use left it suspended': {
    ...CALM,
    warm: false,
    actions: [
      ask(0, { kind: 'Commit', key: 'k1', name: 'n1', labels: {}, parent: '' }, { kind: 'active', nth: 0 }),
      ask(1, { kind: 'Prepare', key: 'k1', parent: '', labels: {} }),
      { client: 0, action: { kind: 'open', key: 'k1', aim: { kind: 'active', nth: 0 } } },
      ask(0, { kind: 'Commit', key: 'k1', name: 'n1', labels: {}, parent: '' }, { kind: 'active', nth: 0 }),
      ask(6, { kind: 'Prepare', key: 'k1', parent: 'n1', labels: {} }, { kind: 'committed', nth: 0 }),
      ask(1, { kind: 'Remove', key: 'k1' }, { kind: 'committed', nth: 0 }),
      ask(6, { kind: 'Prepare', key: 'k1', parent: '', labels: {} }),
    ],
    nature: [{ happening: 'kill', at: 24 }],
    troubles: [{ at: 24, failure: 'worker-dies', lasting: 'once' }],
    settings: PLAIN,
    choices: [],
  },
  // Mended by cb1d4de.
  'a Prepare that was refused left its new parent active for writing': {
    ...CALM,
    actions: [
      ask(0, { kind: 'Prepare', key: 'k1', parent: '', labels: {} }),
      ask(7, { kind: 'Remove', key: 'k1' }, { kind: 'view', nth: 0 }),
      ask(7, { kind: 'View', key: 'k1', parent: 'n1', labels: {} }, { kind: 'committed', nth: 0 }),
      { client: 0, action: { kind: 'open', key: 'k1', aim: { kind: 'active', nth: 0 } } },
      ask(0, { kind: 'Usage', key: 'k1' }, { kind: 'active', nth: 0 }),
      ask(0, { kind: 'Prepare', key: 'k4', parent: '', labels: {} }),
      ask(0, { kind: 'Mounts', key: 'k1' }),
      ask(0, { kind: 'Remove', key: 'k1' }),
      ask(0, { kind: 'Stat', key: 'k1' }, { kind: 'active', nth: 0 }),
      ask(0, { kind: 'Commit', key: 'k1', name: 'n1', labels: {}, parent: '' }),
      ask(3, { kind: 'Commit', key: 'k1', name: 'k1', labels: {}, parent: '' }, { kind: 'active', nth: 0 }),
      { client: 1, action: { kind: 'close' } },
      ask(0, { kind: 'Prepare', key: 'k1', parent: '', labels: {} }),
      ask(0, { kind: 'Prepare', key: 'k1', parent: 'n1', labels: {} }, { kind: 'committed', nth: 0 }),
      ask(0, { kind: 'Prepare', key: 'k1', parent: 'k1', labels: {} }, { kind: 'committed', nth: 0 }),
      ask(3, { kind: 'Commit', key: 'k1', name: 'k2', labels: {}, parent: '' }, { kind: 'active', nth: 0 }),
    ],
    troubles: [{ at: 47, failure: 'worker-dies-late', lasting: 'once' }],
    settings: { ...PLAIN, discardBlocks: true },
    choices: [...zeros(32), 1, ...zeros(59), 1, 1, 1],
  },
  // Mended by 40b20ea.
  'Usage counted what was written after the snapshot was removed': {
    ...CALM,
    actions: [
      ask(0, { kind: 'Prepare', key: 'k1', parent: 'n1', labels: {} }),
      { client: 1, action: { kind: 'open', key: 'k1', aim: { kind: 'active', nth: 0 } } },
      ask(2, { kind: 'Usage', key: 'k1' }, { kind: 'active', nth: 0 }),
      ask(3, { kind: 'Remove', key: 'k1' }, { kind: 'active', nth: 0 }),
      { client: 4, action: { kind: 'write' } },
    ],
    settings: PLAIN,
    choices: [...zeros(24), 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 2, 2],
  },
  // Mended by bf9a31d.
  "Mounts answered the removed view's device when its key had a new snapshot": {
    ...CALM,
    actions: [
      ask(0, { kind: 'View', key: 'k1', parent: 'n1', labels: {} }),
      ask(1, { kind: 'Remove', key: 'k1' }, { kind: 'view', nth: 0 }),
      ask(2, { kind: 'Prepare', key: 'k1', parent: 'n1', labels: {} }),
      ask(3, { kind: 'Mounts', key: 'k1' }, { kind: 'view', nth: 0 }),
      ask(4, { kind: 'View', key: 'k2', parent: 'n1', labels: {} }),
    ],
    nature: [{ happening: 'reboot', at: 21 }],
    settings: PLAIN,
    choices: [...zeros(24), 3, 3, 3, 3, 4, 2],
  },
};

function ask(client: number, call: Call, aim: Aim | null = null): Scenario['actions'][number] {
  return { client, action: { kind: 'call', call, aim } };
}

function zeros(count: number): readonly number[] {
  return Array.from({ length: count }, () => 0);
}
