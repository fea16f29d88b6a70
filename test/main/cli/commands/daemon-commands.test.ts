// The commands that ask a daemon, against one on volumes of nothing: what they print, as a table, cut to a terminal, as JSON.

import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../../../src/main/catalog/tables.ts';
import { EVENT_TYPES } from '../../../../src/main/cli/show/event-lines.ts';
import type { VolumesFacts } from '../../../../src/main/volumes/volumes.ts';
import { FaultError } from '../../../../src/shared/faults.ts';
import { MIB, parseBytes } from '../../../../src/shared/units.ts';
import { type Admin, withAdmin } from '../../../support/admin.ts';
import { deviceOf, snapshotOf, viewOf } from '../../../support/records.ts';
import { until } from '../../../support/until.ts';
import { withTimeout } from '../../../support/with-timeout.ts';
import { at, PIPE, runOn, type Screen } from '../support.ts';

const test = suite('daemon-commands');

const EVIL = 'a\u001b[31m\nb  fake  active';
const TERMINAL: Screen = { screen: { columns: 60, rows: 24 }, unicode: true };
const HOUR_SECONDS = 3600n;

function fill(): Change[] {
  const createdAt = { seconds: BigInt(Math.floor(Date.now() / 1000)) - HOUR_SECONDS, nanos: 0 };
  const layer = (key: string, id: number, { mib, parent }: { mib: number; parent: string }) =>
    snapshotOf(key, id, {
      parent,
      createdAt,
      usageBytes: parseBytes(mib * MIB),
      labels: new Map([['k', 'v\u001b[2J']]),
    });
  const active = (key: string, id: number, parent: string): Change[] => [
    { kind: 'put-device', device: deviceOf(id, { state: 'Activated', mappedBytes: parseBytes(7 * MIB) }) },
    { kind: 'put-snapshot', snapshot: { ...layer(key, id, { mib: 0, parent }), kind: 'active', idMap: null } },
  ];
  return [
    { kind: 'put-device', device: deviceOf(1) },
    { kind: 'put-device', device: deviceOf(2, { originId: deviceOf(1).id }) },
    { kind: 'put-snapshot', snapshot: layer('base', 1, { mib: 5, parent: '' }) },
    { kind: 'put-snapshot', snapshot: layer('layer', 2, { mib: 3, parent: 'base' }) },
    ...active(EVIL, 3, 'layer'),
    ...active('web', 4, 'layer'),
    { kind: 'put-snapshot', snapshot: { ...viewOf('view', 1, 'base'), createdAt } },
  ];
}

async function withFamily(action: (admin: Admin, ask: typeof runOn) => Promise<void>): Promise<void> {
  await withAdmin(async (admin) => {
    await admin.core.catalog.write(fill());
    await action(admin, (screen, ...args) => runOn(screen, ...args, '--admin-address', admin.address));
  });
}

test('thinsnap ls prints a table that no key breaks', async () => {
  await withFamily(async (_admin, ask) => {
    assert.equal(await ask(PIPE, 'ls'), {
      status: 0,
      out: [
        'NAME                            KIND       USAGE  SIZE  CHILDREN  AGE  PARENT',
        String.raw`"a\u001b[31m\nb  fake  active"  active         -  1GiB         0   1h  layer`,
        'base                            committed   5MiB  1GiB         2   1h  -',
        'layer                           committed   3MiB  1GiB         2   1h  base',
        'view                            view          0B  1GiB         0   1h  base',
        'web                             active         -  1GiB         0   1h  layer',
        '',
      ].join('\n'),
      error: '',
    });
  });
});

test('thinsnap ls filters, sorts and reverses', async () => {
  await withFamily(async (_admin, ask) => {
    assert.is((await ask(PIPE, 'ls', '--quiet', 'kind==committed', 'name==web')).out, 'base\nlayer\nweb\n');
    const sorted = await ask(PIPE, 'ls', '--quiet', '--sort', 'usage', '--reverse', 'parent!=layer');
    assert.is(sorted.out, 'base\nlayer\nview\n');
    const usage = await ask(PIPE, 'ls', '--usage', '--sort=usage', '-rq');
    assert.is(usage.out.split('\n')[0], String.raw`"a\u001b[31m\nb  fake  active"`);
    assert.is((await ask(PIPE, 'ls', '--sort', 'colour')).status, 2);
    const bad = await ask(PIPE, 'ls', 'name~=(');
    assert.is(bad.status, 2);
    assert.match(bad.error, /^Cannot use the regular expression "\("/);
  });
});

test('thinsnap ls --json has exact figures and labels, and nothing that a terminal acts on', async () => {
  await withFamily(async (_admin, ask) => {
    const { out } = await ask(PIPE, 'ls', '--json');
    assert.match(out, /^[ -~\n]*$/);
    const list: unknown = JSON.parse(out);
    assert.ok(Array.isArray(list));
    assert.is(list.length, 5);
    assert.is(at(list, 0, 'name'), EVIL);
    assert.is(at(list, 0, 'usage_bytes'), null);
    assert.equal(at(list, 0, 'labels'), { k: 'v\u001b[2J' });
    const [createdAt, updatedAt] = [at(list, 1, 'created_at'), at(list, 1, 'updated_at')];
    assert.match(String(createdAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.equal(at(list, 1), {
      created_at: createdAt,
      updated_at: updatedAt,
      name: 'base',
      parent: null,
      kind: 'committed',
      usage_bytes: 5 * MIB,
      size_bytes: 1024 * MIB,
      fs_type: 'ext4',
      children: 2,
      device_id: 1,
      labels: { k: 'v\u001b[2J' },
    });
  });
});

test('thinsnap tree draws the family with sizes, and one branch of it', async () => {
  await withFamily(async (_admin, ask) => {
    const { out } = await ask(PIPE, 'tree');
    assert.equal(
      out.split('\n').map((line) => line.replace(/ {2,}/g, '  ')),
      [
        'NAME  KIND  USAGE  WITH PARENTS',
        'base  committed  5MiB  5MiB',
        '├─ layer  committed  3MiB  8MiB',
        String.raw`│  ├─ "a\u001b[31m\nb  fake  active"  active  -  8MiB`,
        '│  └─ web  active  -  8MiB',
        '└─ view  view  0B  5MiB',
        '',
      ],
    );
    const branch = await ask(PIPE, 'tree', 'view', '--json');
    const nodes: unknown = JSON.parse(branch.out);
    const node = ['name', 'depth', 'with_parents_bytes'].map((field) => at(nodes, 0, field));
    assert.equal(node, ['view', 0, 5 * MIB]);
    const none = await ask(PIPE, 'tree', 'none');
    assert.equal([none.status, none.out, none.error], [4, '', 'Cannot show none: there is no snapshot of that name\n']);
  });
});

test('thinsnap inspect shows one snapshot, by its name or by what thinsnap shows', async () => {
  await withFamily(async (_admin, ask) => {
    const { out } = await ask(PIPE, 'inspect', 'layer');
    for (const part of [/^Name {9}layer$/m, /^Usage {8}3MiB \(3145728 bytes\)$/m, /^Parents \(1\)\n {2}base$/m]) {
      assert.match(out, part);
    }
    assert.match(out, /^ {2}k = "v\\u001b\[2J"$/m);
    const quoted = await ask(
      PIPE,
      'inspect',
      '--quoted',
      String.raw`"a\u001b[31m\nb  fake  active"`,
      '--json',
      '--usage',
    );
    const found: unknown = JSON.parse(quoted.out);
    assert.equal(
      ['name', 'usage_bytes', 'mount'].map((field) => at(found, field)),
      [EVIL, 7 * MIB, { type: 'ext4', source: '/dev/3', options: ['rw'] }],
    );
    assert.equal([at(found, 'ancestors'), at(found, 'child_names')], [['layer', 'base'], []]);
    assert.is(at(found, 'device', 'thin_id'), 3);
    assert.is((await ask(PIPE, 'inspect', '--quoted', 'layer')).status, 2);
    assert.is((await ask(PIPE, 'inspect', 'none')).status, 4);
  });
});

test('thinsnap status shows rows, bars and what to do', async () => {
  await withFamily(async ({ core }, ask) => {
    core.volumes.space = {
      data: { usedBytes: 950 * MIB, totalBytes: 1000 * MIB },
      metadata: { usedBytes: 0, totalBytes: MIB },
    };
    const { out, status } = await ask(PIPE, 'status');
    assert.is(status, 0);
    for (const part of [
      /^Health {10}error\n\n {2}50MiB of 1000MiB of data space are free, and min_free_space keeps 100MiB: new/,
      /^ {2}What to do: Remove images or containers, or make room on the file system of \/nowhere$/m,
      /^Daemon {10}thinsnapd 1\.2\.3, up \d+d\d*h?, process \d+$/m,
      /^Base size {7}10GiB$/m,
      /^Data space {6}█{19}░ {2}95%\n {16}950MiB of 1000MiB used, 50MiB available$/m,
      /^Metadata space {2}░{20} {3}0%$/m,
      /^Min free space {2}10%: 100MiB of data, 102\.4KiB of metadata$/m,
      /^Snapshots {7}5: 2 committed, 2 active, 1 view$/m,
      /^Devices {9}4: 2 Activated, 2 Deactivated; 0 bases among them$/m,
      /^Standby {9}3 of 4 ready \(at most 8 for a parent, 64 in all\); 70 handed out, 5 made on demand$/m,
      /^Reaper {10}nothing waits$/m,
    ]) {
      assert.match(out, part);
    }
    const json: unknown = JSON.parse((await ask(PIPE, 'status', '--json')).out);
    assert.equal([at(json, 'health'), at(json, 'problems', 0, 'code')], ['error', 'data-short']);
    assert.equal(at(json, 'space', 'data'), {
      used_bytes: 950 * MIB,
      total_bytes: 1000 * MIB,
      available_bytes: 50 * MIB,
      reserve_bytes: 100 * MIB,
    });
    assert.equal(at(json, 'devices'), { total: 4, bases: 0, states: { Activated: 2, Deactivated: 2 } });
    assert.equal(at(json, 'standby'), { ready: 3, wanted: 4, parent_limit: 8, total_limit: 64, hits: 70, misses: 5 });
  });
});

test('every command colours and cuts on a terminal', async () => {
  await withFamily(async (_admin, ask) => {
    for (const command of [['status'], ['ls'], ['tree'], ['inspect', EVIL]]) {
      const { out } = await ask(TERMINAL, ...command);
      for (const line of out.replaceAll(/<\/?\w+>/g, '').split('\n')) assert.ok(line.length <= 60, line);
    }
    assert.match((await ask(TERMINAL, 'status')).out, /^Health {10}<good>ok<\/good>$/m);
    assert.match((await ask(TERMINAL, 'ls')).out, /^<strong>NAME /);
  });
});

test('thinsnap status refuses an interval that makes no sense', async () => {
  for (const args of [
    ['--interval', '2'],
    ['--watch', '--interval', '0'],
    ['--watch', '--interval', '1e9'],
  ]) {
    assert.is((await runOn(PIPE, 'status', ...args)).status, 2);
  }
});

test('thinsnap gc waits until everything was tried, and tells what is left', async () => {
  await withFamily(async ({ core }, ask) => {
    assert.is((await ask(PIPE, 'gc')).out, 'Nothing waits to be deactivated or deleted\n');
    let busy = true;
    core.volumes.act = async (call) => {
      if (busy && call === 'remove 4') throw new FaultError('device-busy', 'busy');
    };
    await core.catalog.write([
      { kind: 'delete-snapshot', key: 'web' },
      { kind: 'put-device', device: deviceOf(4, { state: 'Removing' }) },
    ]);
    await core.reaper.remove(deviceOf(4).id);
    const first = await ask(PIPE, 'gc', '--json');
    assert.equal(JSON.parse(first.out), { waiting: 1, left: 1 });
    assert.match((await ask(PIPE, 'gc')).out, /^1 device tried, 1 left: in use, and tried again by itself\n$/);
    busy = false;
    const last = await ask(PIPE, 'gc');
    assert.match(last.out, /^(1 device tried, none is left|Nothing waits to be deactivated or deleted)\n$/);
    assert.is(core.reaper.size, 0);
  });
});

test('thinsnap events prints a line for each thing, of the types asked for, until the daemon ends', async () => {
  await withFamily(async ({ core, stop }, ask) => {
    core.volumes.space = { data: { usedBytes: 1000, totalBytes: 1000 }, metadata: null };
    const all = ask(PIPE, 'events');
    const some = ask(PIPE, 'events', '--only', 'remove,commit', '--json');
    // Each stream is open once it watches the writes.
    let observers = 0;
    const observe = core.catalog.observe.bind(core.catalog);
    Object.assign(core.catalog, {
      observe: (observer: Parameters<typeof observe>[0]) => {
        observers += 1;
        return observe(observer);
      },
    });
    await until(
      20_000,
      async () => (observers === 2 ? true : null),
      () => `${observers} of 2 streams are open`,
    );
    await core.catalog.write([{ kind: 'put-snapshot', snapshot: viewOf('x\ny', 1, 'base') }]);
    await core.catalog.write([{ kind: 'delete-snapshot', key: 'x\ny' }]);
    await stop();
    const { out, status, error } = await withTimeout(all, 20_000, 'the end of the events');
    assert.equal(
      out.split('\n').map((line) => line.slice(26).replace(/: .*/, '')),
      ['problem   data-short', String.raw`view      "x\ny" of base`, String.raw`remove    "x\ny" (view)`, ''],
    );
    assert.is(status, 3);
    assert.match(error, /thinsnapd ends/);
    const lines = (await some).out.trimEnd().split('\n');
    assert.is(lines.length, 1);
    const event: unknown = JSON.parse(lines[0] ?? '');
    assert.match(String(at(event, 'time')), /Z$/);
    assert.equal(event, { time: at(event, 'time'), type: 'remove', key: 'x\ny', kind: 'view', device_id: 1 });
    assert.is((await runOn(PIPE, 'events', '--only', 'deletes')).status, 2);
  });
});

const POOL: VolumesFacts = {
  kind: 'thin-pool',
  poolName: 'vg-pool',
  blockBytes: 65_536,
  status: {
    mode: 'ro',
    needsCheck: true,
    whenFull: 'error',
    transactionId: 42,
    usedMetadataBlocks: 1,
    totalMetadataBlocks: 2,
    usedDataBlocks: 3,
    totalDataBlocks: 4,
  },
  engine: 'dmsetup',
  driverVersion: '4.48.0',
  makeup: null,
};

test('thinsnap status shows a pool with all that docker info has of one', async () => {
  await withAdmin(async ({ core, address }) => {
    core.volumes.facts = POOL;
    const { out } = await runOn(PIPE, 'status', '--admin-address', address);
    for (const part of [
      /^Health {10}error$/m,
      /^ {2}Pool vg-pool is read-only: the kernel could not write its metadata$/m,
      /^Pool {12}vg-pool, read-only, needs a check$/m,
      /^Block size {6}64KiB$/m,
      /^Transaction id {2}42$/m,
      /^Engine {10}dmsetup$/m,
      /^Driver version {2}4\.48\.0$/m,
      /^Library {9}dmsetup's own$/m,
      /^File system {5}ext4$/m,
    ]) {
      assert.match(out, part);
    }
  });
});

/** Every name of a field in parsed JSON; those of labels and of states are not ours to describe. */
function fieldsOf(json: unknown): string[] {
  if (typeof json !== 'object' || json === null) return [];
  const fields = Object.entries(json).flatMap(([key, value]) => {
    return [key, ...(key === 'labels' || key === 'states' ? [] : fieldsOf(value))];
  });
  return Array.isArray(json) ? json.flatMap(fieldsOf) : fields;
}

test('docs/cli.md names every field of the JSON, every event and every command', async () => {
  const docs = await readFile(new URL('../../../../../docs/cli.md', import.meta.url), 'utf8');
  await withFamily(async ({ core }, ask) => {
    core.volumes.space = { data: { usedBytes: 1000, totalBytes: 1000 }, metadata: { usedBytes: 0, totalBytes: 1000 } };
    for (const command of ['status', 'status', 'ls', 'tree', 'inspect web', 'gc']) {
      const fields = fieldsOf(JSON.parse((await ask(PIPE, ...command.split(' '), '--json')).out));
      assert.ok(fields.length > 1);
      core.volumes.facts = POOL;
      for (const field of fields) assert.match(docs, new RegExp(`\\b${field}\\b`), `${field} of ${command}`);
    }
  });
  for (const type of EVENT_TYPES) assert.ok(docs.includes(`\`${type}\``), type);
  const { out } = await runOn(PIPE, '--help');
  for (const [, command = ''] of out.matchAll(/^ {2}(\w+) /gm))
    assert.ok(docs.includes(`thinsnap ${command}`), command);
});

/** How long it takes is `npm run bench:cli`'s to say. */
const SNAPSHOTS = 10_000;

test('ls, tree and status tell of all of 10,000 snapshots', async () => {
  await withAdmin(async ({ core, address }) => {
    const changes: Change[] = [];
    for (let id = 1; id <= SNAPSHOTS; id += 1) {
      const parent = id % 10 === 1 ? '' : `sha256:${id - 1}`;
      changes.push({ kind: 'put-device', device: deviceOf(id) });
      const labels = new Map([['containerd.io/snapshot.ref', `sha256:${'0'.repeat(64)}${id}`]]);
      changes.push({ kind: 'put-snapshot', snapshot: snapshotOf(`sha256:${id}`, id, { parent, labels }) });
    }
    await core.catalog.write(changes);
    const show = async (...command: readonly string[]): Promise<string> =>
      (await runOn(PIPE, ...command, '--admin-address', address)).out;
    assert.match(await show('status'), /10000 committed|10,000 committed/);
    for (const command of ['ls', 'tree']) {
      assert.is((await show(command)).match(/^.*sha256:\d+/gm)?.length, SNAPSHOTS, command);
    }
    const listed: unknown = JSON.parse(await show('ls', '--json'));
    assert.is(Array.isArray(listed) ? listed.length : 0, SNAPSHOTS);
  });
});

test.run();
