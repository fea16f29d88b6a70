// `thinsnap doctor` as a process on this machine, whatever it lacks: every group answers, and the status follows the errors.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withScratch } from '../../../support/scratch.ts';
import { at, runProgram } from '../support.ts';

const test = suite('doctor');

const GROUPS = ['configuration', 'kernel', 'tools', 'udev and LVM', 'containerd', 'files', 'clock', 'daemon'];

async function withFiles(settings: string, action: (args: readonly string[]) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const [config, containerd] = [join(dir, 'config.toml'), join(dir, 'containerd.toml')];
    const address = join(dir, 'thinsnap.sock');
    await writeFile(config, `root_path = ${JSON.stringify(dir)}\naddress = ${JSON.stringify(address)}\n${settings}`);
    await writeFile(
      containerd,
      `version = 2\n[proxy_plugins.x]\ntype = "snapshot"\naddress = ${JSON.stringify(address)}\n`,
    );
    await action(['doctor', '--config', config, '--containerd-config', containerd]);
  });
}

test('thinsnap doctor looks at everything without a daemon, and says how to mend what is wrong', async () => {
  await withFiles('', async (args) => {
    const { out, error, status } = await runProgram(...args, '--json');
    assert.is(error, '');
    const json: unknown = JSON.parse(out);
    const findings = Object.values(at(json, 'findings') ?? []) as readonly unknown[];
    assert.equal([...new Set(findings.map((finding) => at(finding, 'group')))], GROUPS);
    for (const finding of findings) assert.is(at(finding, 'fix') === null, at(finding, 'level') === 'ok');
    const proxy = findings.find((finding) => at(finding, 'what') === 'proxy plugin');
    assert.is(at(proxy, 'level'), 'ok');
    const hasErrors = findings.some((finding) => at(finding, 'level') === 'error');
    assert.equal([at(json, 'health') === 'error', status], [hasErrors, Number(hasErrors)]);
  });
});

test('thinsnap doctor takes a configuration that cannot be used for an error, and goes on', async () => {
  await withFiles('colour = "red"\n', async (args) => {
    const { out, status } = await runProgram(...args);
    assert.is(status, 1);
    assert.match(out, /\n? {2}error {4}settings: .*colour/);
    assert.match(out, /\nclock\n/);
    assert.match(out, /\n\d+ errors, \d+ warnings, \d+ ok\n$/);
  });
});

test.run();
