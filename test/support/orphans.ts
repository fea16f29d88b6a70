// Tools that run on when their daemon is killed: the next one is not to serve while they are at work, and nothing is changed by
// what they were to do.
//
// THINSNAP_ORPHANS: each tool both ways, so many times; `all`: once.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { basesAreLeft, removeAll } from './clearing.ts';
import { type ConfigTable, type Daemon, startDaemon } from './daemon.ts';
import { commit, type Model, prepare, type Step, textOf, textOfAll } from './failpoints/steps.ts';
import { FakeTools, type Run } from './fake-tools.ts';
import { codeOf } from './grpc-client.ts';
import { LOST } from './kills/victim.ts';
import { withMounted } from './mounting.ts';
import { isAtWork } from './process-facts.ts';
import { drawn } from './random.ts';
import { asRootWith } from './requirements.ts';

/** Much longer than a start: whoever is still there then was not ended. */
const AT_WORK_SECONDS = 300;
export const LAYER = 'layer';
export const KEY = 'key';
const CONTENT = 'of the layer';

const { THINSNAP_ORPHANS: wanted = '' } = process.env;

/** An operation on the way of which a tool runs. */
export interface Use extends Run {
  /** Done before, undisturbed. */
  readonly before: readonly Step[];
  /** The key is mounted until the next daemon serves. */
  readonly open: boolean;
  readonly step: Step;
}

/** What a use is made of on either ground; `largerBytes`: a size that has a file system grown, or a base of its own. */
export function waysOf(largerBytes: number) {
  const larger = { 'containerd.io/snapshot/max-size': String(largerBytes) };
  const child = prepare(KEY, LAYER);
  const committed = { before: [child], open: false, step: commit('name', KEY) };
  return {
    child: { before: [], open: false, step: child },
    larger: { before: [], open: false, step: prepare(KEY, LAYER, larger) },
    fresh: { before: [], open: false, step: prepare(KEY, '', larger) },
    committed,
    copied: { ...committed, open: true },
  } as const satisfies Record<string, Omit<Use, keyof Run>>;
}

export interface OrphanGround {
  readonly config: ConfigTable;
  readonly uses: readonly Use[];
  /** Trials where nobody asks for more: one with its tools, the others drawn. */
  readonly sample: number;
  /** After each daemon, whatever it left. */
  readonly tidy: () => Promise<void>;
}

interface Trial {
  readonly use: Use;
  readonly killed: 'alone' | 'with its tools';
}

export function orphanSuite({ config, uses, sample, tidy }: OrphanGround): void {
  const asRoot = asRootWith(test, 'losetup', 'flock');
  for (const { use, killed } of wanted === '' ? sampled(uses, sample) : repeated(uses)) {
    const what = `in ${use.step.title}${use.open ? ' of an open one' : ''}, while ${use.tool} ${use.word} runs,`;
    asRoot(`a daemon killed ${killed} ${what} is followed by one that meets none`, async () => {
      const fakes = await FakeTools.make();
      const daemon = await startDaemon({ config, env: fakes.env });
      try {
        await outlive(daemon, fakes, { use, killed });
        await daemon.stop();
      } finally {
        await daemon.remove();
        await tidy();
        await fakes.remove();
      }
    });
  }
  test.run();
}

/** With its tools it leaves nothing, whichever they are: once will do where time is short. */
function sampled(uses: readonly Use[], sample: number): readonly Trial[] {
  return [
    ...uses.slice(0, 1).map((use) => ({ use, killed: 'with its tools' }) as const),
    ...drawn(uses, String(sample - 1)).map((use) => ({ use, killed: 'alone' }) as const),
  ];
}

function repeated(uses: readonly Use[]): readonly Trial[] {
  const once = uses.flatMap((use) => (['alone', 'with its tools'] as const).map((killed) => ({ use, killed })));
  return Array.from({ length: wanted === 'all' ? 1 : Number(wanted) }, () => once).flat();
}

async function outlive(daemon: Daemon, fakes: FakeTools, trial: Trial): Promise<void> {
  const { before, open, step } = trial.use;
  const model: Model = new Map();
  const done = async (each: Step): Promise<void> => {
    await each.call(daemon.client);
    each.apply(model);
  };
  await done(prepare('below', ''));
  await withMounted(daemon.root, await daemon.client.mounts('below'), (dir) => writeFile(join(dir, 'file'), CONTENT));
  await done(commit(LAYER, 'below'));
  for (const each of before) await done(each);
  // What comes after an answer would run the same tools.
  await daemon.client.cleanup();
  const after: Model = new Map(model);
  step.apply(after);

  const kill = (): Promise<string> => killAmid(daemon, fakes, trial);
  const code = open ? await withMounted(daemon.root, await daemon.client.mounts(KEY), kill) : await kill();
  const seen = await seenBy(daemon);
  const isDone = seen.join('\n') === textOf(after).join('\n');
  if (code !== 'OK') assert.ok(LOST.has(code), code);
  if (!isDone) assert.equal(seen, textOf(code === 'OK' ? after : model), code);
  assert.is(await codeOf(step.call(daemon.client)), isDone ? step.again : 'OK');
  assert.equal(await seenBy(daemon), textOf(after));
  for (const [name, { kind, parent }] of after) await readOne(daemon, { name, kind, parent });
  await removeAll(daemon.client);
  await basesAreLeft(daemon);
}

/** Answers what the step was answered, once the next daemon serves. */
async function killAmid(daemon: Daemon, fakes: FakeTools, { use, killed }: Trial): Promise<string> {
  await fakes.put(use, `sleep ${AT_WORK_SECONDS}`);
  const answer = codeOf(use.step.call(daemon.client));
  const { pid } = await fakes.begun(use);
  process.kill(daemon.pid, 'SIGKILL');
  if (killed === 'with its tools') process.kill(-pid, 'SIGKILL');
  const code = await answer;
  await daemon.kill();
  await fakes.drop(use);
  await daemon.start();
  const isLeft = await isAtWork(pid);
  if (isLeft) process.kill(-pid, 'SIGKILL');
  assert.not(isLeft, `${use.tool} is at work beside the new daemon`);
  assert.is(/were still at work: ended/.test(daemon.log), killed === 'alone');
  return code;
}

async function seenBy(daemon: Daemon): Promise<readonly string[]> {
  return textOfAll(await daemon.client.list());
}

/** Whole, as the layer is where it stands on it. */
async function readOne(
  { client, root }: Daemon,
  { name, kind, parent }: { readonly name: string; readonly kind: string; readonly parent: string },
): Promise<void> {
  const mounts = kind === 'committed' ? await client.view(`view of ${name}`, name) : await client.mounts(name);
  const found = await withMounted(root, mounts, (dir) => readFile(join(dir, 'file'), 'utf8').catch(() => null));
  assert.is(found, name === LAYER || parent === LAYER ? CONTENT : null, name);
  if (kind === 'committed') await client.remove(`view of ${name}`);
}
