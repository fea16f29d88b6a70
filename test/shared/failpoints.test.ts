// The plan of failures: how it is written, what each term does, and that nothing happens without one.

import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FAILPOINTS, type FailpointName } from '../../src/shared/failpoint-names.ts';
import { armFailpoints, failpoint, failpointSetup } from '../../src/shared/failpoints.ts';
import { faultOf } from '../support/faults.ts';

const NAME = 'prepare.recorded';
const ALL = [...FAILPOINTS.common, ...FAILPOINTS.blockfile, ...FAILPOINTS.thinPool];

async function passages(plan: string, names: readonly FailpointName[]): Promise<string[]> {
  armFailpoints(plan);
  const seen: string[] = [];
  for (const name of names) {
    seen.push(
      await Promise.resolve(failpoint(name)).then(
        () => 'on',
        (error: unknown) => String(error),
      ),
    );
  }
  return seen.map((text) => (/planned/i.test(text) ? 'failed' : text));
}

test('failpoint() is nothing at all while nothing is planned', () => {
  assert.is(failpointSetup(), null);
  assert.is(failpoint(NAME), undefined);
});

test('terms follow one another, each for its number of passages, and nothing happens after them', async () => {
  assert.equal(await passages(`${NAME}=2*off->1*error->1*throw`, [NAME, NAME, NAME, NAME, NAME]), [
    'on',
    'on',
    'failed',
    'failed',
    'on',
  ]);
});

test('a term without a number lasts for ever, and only where it is planned', async () => {
  assert.equal(await passages(`${NAME}=1*off->error`, [NAME, 'view.recorded', NAME, NAME]), [
    'on',
    'on',
    'failed',
    'failed',
  ]);
});

test('the name * counts the passages of all places together', async () => {
  assert.equal(await passages('*=2*off->1*error', [NAME, 'view.recorded', 'make.made', NAME]), [
    'on',
    'on',
    'failed',
    'on',
  ]);
});

test('error takes the code of a fault, and is io without one', async () => {
  armFailpoints(`${NAME}=1*error(no-space)->error`);
  assert.is((await faultOf(Promise.resolve(failpoint(NAME)))).code, 'no-space');
  assert.is((await faultOf(Promise.resolve(failpoint(NAME)))).code, 'io');
});

test('delay lets time pass', async () => {
  assert.equal(await passages(`${NAME}=delay(1)`, [NAME]), ['on']);
});

for (const plan of [
  'nowhere=kill',
  NAME,
  `${NAME}=`,
  `${NAME}=3*`,
  `${NAME}=explode`,
  `${NAME}=error(none)`,
  `${NAME}=kill(3)`,
  `${NAME}=delay`,
  `${NAME}=delay(-1)`,
  `${NAME}=off->`,
  `${NAME}=off;${NAME}=off`,
  `${NAME}=off=off`,
]) {
  test(`armFailpoints() refuses ${plan}`, () => {
    assert.throws(() => armFailpoints(plan), /^Cannot use .* in THINSNAP_FAILPOINTS: /);
  });
}

for (const [action, signal] of [
  ['kill', 'SIGKILL'],
  ['abort', 'SIGABRT'],
]) {
  test(`${action} ends the process by ${signal}, before anything that comes after it`, () => {
    const module = new URL('../../src/shared/failpoints.js', import.meta.url).href;
    const script = `import { armFailpoints, failpoint } from '${module}';
      armFailpoints('${NAME}=${action}');
      console.log('before');
      await failpoint('${NAME}');
      console.log('after');`;
    const end = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    assert.is(end.signal, signal);
    assert.is(end.stdout, 'before\n');
  });
}

test('each name of the list is one place in the code, and each place has a name of the list', async () => {
  const entries = await readdir('src', { recursive: true });
  const texts = await Promise.all(
    entries.filter((path) => path.endsWith('.ts')).map((path) => readFile(join('src', path), 'utf8')),
  );
  const places = texts.flatMap((text) => [...text.matchAll(/\bfailpoint\('([^']+)'\)/g)].map(([, name = '']) => name));
  assert.equal(places.toSorted(), ALL.filter((name) => !name.startsWith('task.')).toSorted());
});

test.run();
