// A day in the life of a snapshotter under containerd and runc: unpack, run beside each other, lose the daemon, run on,
// share, remove everything. Tests in order, each upon the last; what must be left at the end is what was at the start.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../../support/until.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import { type Containerd, type Snapshotter, startContainerd } from './containerd.ts';
import { CHECK_SCRIPT, IMAGE_NAME, LAYER_COUNT, writeImage } from './oci-image.ts';

/**
 * THINSNAP_CONTAINERS_AT_ONCE: containers that are started at once, and dropped at once. Each costs some starts of Go programs, of which
 * an emulated machine does not do many a minute: whoever asks for many needs THINSNAP_TEST_PATIENCE there.
 */
const { THINSNAP_CONTAINERS_AT_ONCE: atOnce = '3', THINSNAP_TEST_PATIENCE: patience = '1' } = process.env;
/** Made for a machine that is emulated. */
const TEST_LIMIT_MS = 600_000 * Number(patience);
/** containerd's collector, our reaper, and a device that udev still has open. */
const GONE_LIMIT_MS = 180_000;
/** containerd's client waits at most 3 s between two attempts to connect (1.6, services.go, backoff MaxDelay). */
const RECONNECT_LIMIT_MS = 120_000;

/** What is tested: thinsnap, or one of containerd's own to know that the scenario is right. */
export interface Subject extends Snapshotter {
  restart(how: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** The keys and names of all snapshots, as the subject itself tells them. */
  list(containerd: Containerd): Promise<readonly string[]>;
  /** What the subject holds of the machine, as text: must be in the end what it was in the beginning. */
  holdings(): Promise<string>;
  remove(): Promise<void>;
}

interface Scene {
  readonly subject: Subject;
  readonly containerd: Containerd;
  readonly holdings: string;
}

/** Registers the acts as tests; those with restarts only for a subject that is a process of its own. */
export function containerdSuite(name: string, kind: 'built-in' | 'process', makeSubject: () => Promise<Subject>): void {
  const tests = suite(name);
  let scene: Scene | null = null;
  tests.before(async () => {
    try {
      scene = await setScene(await makeSubject());
    } catch (error) {
      // uvu counts what a failed hook keeps from running, and swallows the error (0.5.6).
      process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      throw error;
    }
  });
  tests.after(async () => {
    if (scene === null) return;
    try {
      await endTasks(scene.containerd);
    } finally {
      await scene.containerd.remove();
      await scene.subject.remove();
    }
  });
  for (const [title, act] of Object.entries(ACTS)) {
    if (act.needsRestart && kind === 'built-in') continue;
    tests(title, () => {
      if (scene === null) throw new Error('containerd or the snapshotter did not start');
      return withTimeout(act.run(scene), TEST_LIMIT_MS, title);
    });
  }
  tests.run();
}

async function setScene(subject: Subject): Promise<Scene> {
  try {
    const containerd = await startContainerd(subject);
    await writeImage(join(containerd.root, 'image.tar'));
    return { subject, containerd, holdings: await subject.holdings() };
  } catch (error) {
    await subject.remove();
    throw error;
  }
}

interface Act {
  readonly needsRestart: boolean;
  run(scene: Scene): Promise<void>;
}

const ACTS: Readonly<Record<string, Act>> = {
  'import unpacks each layer into a committed snapshot': {
    needsRestart: false,
    async run(scene) {
      await importImage(scene, 'first');
      assert.is((await scene.subject.list(scene.containerd)).length, LAYER_COUNT);
    },
  },

  'a container sees what the layers make, writes to its root, and leaves nothing': {
    needsRestart: false,
    async run(scene) {
      const script = `${CHECK_SCRIPT}\necho mine >/data/a; rm /data/c; mkdir /data/new; echo "$(cat /data/a)"`;
      assert.match(await runOnce(scene, { id: 'writer', script }), /image-ok\s+mine/);
      // The next one sees the image, not the writer.
      assert.match(await runOnce(scene, { id: 'reader', script: CHECK_SCRIPT }), /image-ok/);
      await untilSnapshots(scene, LAYER_COUNT);
    },
  },

  'containers run beside each other, and one can be entered': {
    needsRestart: false,
    async run(scene) {
      await runOn(scene, 'long');
      assert.match(await runOnce(scene, { id: 'beside', script: CHECK_SCRIPT }), /image-ok/);
      await enter(scene, 'long', `${CHECK_SCRIPT}\necho before >/data/kept; sync`);
    },
  },

  'a running container does not notice that the daemon stops and starts': {
    needsRestart: true,
    async run(scene) {
      await restart(scene, 'SIGTERM');
      assert.match(await enter(scene, 'long', 'cat /data/kept; echo after >>/data/kept; sync'), /before/);
      assert.match(await runOnce(scene, { id: 'after-stop', script: CHECK_SCRIPT }), /image-ok/);
    },
  },

  'a running container does not notice that the daemon is killed': {
    needsRestart: true,
    async run(scene) {
      await restart(scene, 'SIGKILL');
      assert.match(await enter(scene, 'long', `${CHECK_SCRIPT}\ncat /data/kept`), /image-ok\s+before\s+after/);
      assert.match(await runOnce(scene, { id: 'after-kill', script: CHECK_SCRIPT }), /image-ok/);
    },
  },

  'a snapshot that is removed while its container runs goes when the container does': {
    needsRestart: false,
    async run(scene) {
      // "long" and its snapshot.
      await untilSnapshots(scene, LAYER_COUNT + 1);
      await endTasks(scene.containerd);
      await untilSnapshots(scene, LAYER_COUNT);
    },
  },

  'containers that start at once have each a root of their own, and go at once': {
    needsRestart: false,
    async run(scene) {
      const ids = Array.from({ length: Number(atOnce) }, (_, index) => `crowd-${index}`);
      await Promise.all(ids.map((id) => runOn(scene, id, `echo ${id} >/data/own`)));
      assert.is((await scene.subject.list(scene.containerd)).length, LAYER_COUNT + ids.length);
      const script = `${CHECK_SCRIPT}\nuntil [ -s /data/own ]; do sleep 1; done; cat /data/own`;
      const seen = await Promise.all(ids.map((id) => enter(scene, id, script)));
      for (const [index, id] of ids.entries()) assert.match(seen[index] ?? '', new RegExp(`image-ok\\s+${id}\\s*$`));
      await Promise.all(ids.map((id) => drop(scene.containerd, id)));
      await collectGarbage(scene.containerd);
      await untilSnapshots(scene, LAYER_COUNT);
    },
  },

  'a second namespace has the image too': {
    needsRestart: false,
    async run(scene) {
      const { subject, containerd } = scene;
      await importImage(scene, 'second');
      // The transfer service of 2.x names each layer in the label `snapshot.ref`, and thinsnap answers that it is there.
      const isShared = containerd.major >= 2 && subject.address !== null;
      assert.is((await subject.list(containerd)).length, isShared ? LAYER_COUNT : 2 * LAYER_COUNT);
      assert.match(await runOnce(scene, { id: 'reader', script: CHECK_SCRIPT, namespace: 'second' }), /image-ok/);
    },
  },

  'removing all images leaves no snapshot and nothing of the machine held': {
    needsRestart: false,
    async run(scene) {
      await scene.containerd.ctr('second', 'images', 'rm', '--sync', IMAGE_NAME);
      await untilSnapshots(scene, LAYER_COUNT);
      assert.match(await runOnce(scene, { id: 'last', script: CHECK_SCRIPT }), /image-ok/);
      await scene.containerd.ctr('first', 'images', 'rm', '--sync', IMAGE_NAME);
      await untilSnapshots(scene, 0);
      let seen = '';
      await until(
        GONE_LIMIT_MS,
        async () => {
          seen = await scene.subject.holdings();
          return seen === scene.holdings ? true : null;
        },
        () => `held before:\n${scene.holdings}\nheld still:\n${seen}`,
      );
    },
  },
};

async function importImage({ containerd, subject }: Scene, namespace: string): Promise<void> {
  const file = join(containerd.root, 'image.tar');
  await containerd.ctr(namespace, 'images', 'import', '--snapshotter', subject.name, file);
}

/** Runs `script` in a container of its own, answers its output; container and snapshot are removed. */
async function runOnce(
  { containerd, subject }: Scene,
  { id, script, namespace = 'first' }: { id: string; script: string; namespace?: string },
): Promise<string> {
  const options = ['--rm', ...containerd.saidMount, '--snapshotter', subject.name];
  return containerd.said(`${namespace}-${id}`, script, (telling) =>
    containerd.ctr(namespace, 'run', ...options, IMAGE_NAME, id, 'sh', '-c', telling),
  );
}

/** Starts a container that runs `script`, and then on until it is ended. */
async function runOn({ containerd, subject }: Scene, id: string, script = ':'): Promise<void> {
  const options = ['--detach', '--null-io', ...containerd.saidMount, '--snapshotter', subject.name];
  await containerd.ctr('first', 'run', ...options, IMAGE_NAME, id, 'sh', '-c', `${script}; exec sleep 100000`);
}

let execs = 0;

async function enter({ containerd }: Scene, id: string, script: string): Promise<string> {
  execs += 1;
  const name = `exec-${execs}`;
  return containerd.said(name, script, (telling) =>
    containerd.ctr('first', 'tasks', 'exec', '--exec-id', name, id, 'sh', '-c', telling),
  );
}

async function restart(scene: Scene, how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await scene.subject.restart(how);
  let answer = '';
  await until(
    RECONNECT_LIMIT_MS,
    async () => {
      try {
        await scene.containerd.ctr('first', 'snapshots', '--snapshotter', scene.subject.name, 'ls');
        return true;
      } catch (error) {
        answer = String(error);
        return null;
      }
    },
    () => `containerd does not find the daemon again: ${answer}`,
  );
}

async function untilSnapshots({ subject, containerd }: Scene, count: number): Promise<void> {
  let seen: readonly string[] = [];
  await until(
    GONE_LIMIT_MS,
    async () => {
      seen = await subject.list(containerd);
      return seen.length === count ? true : null;
    },
    () => `expected ${count} snapshots, have ${seen.length}:\n${seen.join('\n')}`,
  );
}

/** What is dropped while containerd collects waits for the next time, which may not come for minutes (seen): here it is now. */
async function collectGarbage(containerd: Containerd): Promise<void> {
  await containerd.ctr('first', 'leases', 'create', '--id', 'sweep');
  await containerd.ctr('first', 'leases', 'delete', '--sync', 'sweep');
}

/** Kills what runs and removes all containers, with their snapshots. */
async function endTasks(containerd: Containerd): Promise<void> {
  const ids = (await containerd.ctr('first', 'containers', 'ls', '-q')).split('\n').filter((id) => id !== '');
  for (const id of ids) await drop(containerd, id);
}

async function drop(containerd: Containerd, id: string): Promise<void> {
  // --force kills and waits for the end.
  await containerd.ctr('first', 'tasks', 'rm', '--force', id);
  await containerd.ctr('first', 'containers', 'rm', id);
}
