// Tools that misbehave under a daemon on block files.
//
// THINSNAP_TOOL_ENDS=all: waits for the ends of all calls that a hung tool holds up.

import { BLOCK_FILES } from '../support/block-files.ts';
import { startDaemon } from '../support/daemon.ts';
import { FakeTools } from '../support/fake-tools.ts';
import { stageSuite } from './stage.ts';
import { failuresOf, toolTopics } from './tools/topics.ts';
import { CALLS, EXT4_USES, FAULT, type Use } from './tools/uses.ts';

const FLOOD_BYTES = 1_000_000_000;
const FAILURES = failuresOf(FLOOD_BYTES);

const USES: readonly Use[] = [
  ...EXT4_USES,
  { title: 'cp', tool: 'cp', word: '', prepared: false, call: CALLS.child, idle: FAULT },
  { title: 'cp beside a freeze', tool: 'cp', word: '', prepared: true, call: CALLS.commitOpen, idle: FAULT },
  { title: 'losetup', tool: 'losetup', word: '', prepared: true, call: CALLS.commit, idle: /^OK$/ },
];

const fakes = await FakeTools.make();
stageSuite(
  'tools that misbehave, blockfile',
  () => startDaemon({ config: BLOCK_FILES, env: fakes.env }),
  toolTopics({ fakes, uses: USES, failures: () => FAILURES, killed: 2, others: 16 }),
);
