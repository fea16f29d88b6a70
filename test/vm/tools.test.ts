// Tools that misbehave under a daemon on a thin pool, with dmsetup as its engine.
// vm: plain pool
//
// THINSNAP_TOOL_ENDS: all uses and all ways to misbehave, and the ends of so many calls, or of `all`, that a hung tool holds up; one way, and
// one kill, for one use otherwise.

import { stageSuite } from '../e2e/stage.ts';
import { failuresOf, toolTopics, WHOLE } from '../e2e/tools/topics.ts';
import { CALLS, EXT4_USES, FAULT, type Use } from '../e2e/tools/uses.ts';
import { startDaemon } from '../support/daemon.ts';
import { FakeTools } from '../support/fake-tools.ts';
import { drawn } from '../support/random.ts';
import { thinPoolConfig } from './support/daemon.ts';

/** More than memory may grow by; a guest's pipes are slow. */
const FLOOD_BYTES = 100_000_000;
const FAILURES = Object.entries(failuresOf(FLOOD_BYTES));

const USES: readonly Use[] = [
  { title: 'create_thin', tool: 'dmsetup', word: 'create_thin', prepared: false, call: CALLS.base, idle: FAULT },
  ...EXT4_USES,
  { title: 'create_snap', tool: 'dmsetup', word: 'create_snap', prepared: false, call: CALLS.child, idle: FAULT },
  { title: 'create', tool: 'dmsetup', word: 'create --uuid', prepared: false, call: CALLS.child, idle: FAULT },
  { title: 'info', tool: 'dmsetup', word: 'info', prepared: true, call: CALLS.commit, idle: FAULT },
  // That nothing was written meanwhile is all that saves it.
  { title: 'suspend', tool: 'dmsetup', word: 'suspend', prepared: true, call: CALLS.commitOpen, idle: /^OK$/ },
];

const fakes = await FakeTools.make();
stageSuite(
  'tools that misbehave, thin pool',
  () =>
    startDaemon({
      // Snapshots that nobody asks for would run the same tools.
      config: { ...thinPoolConfig('dmsetup'), base_image_size: '64MB', standby_per_parent: 0 },
      env: fakes.env,
    }),
  toolTopics({
    fakes,
    uses: WHOLE ? USES : drawn(USES, '1'),
    failures: () => Object.fromEntries(WHOLE ? FAILURES : drawn(FAILURES, '1')),
    killed: 1,
    others: 2,
  }),
);
