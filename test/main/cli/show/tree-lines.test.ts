// The tree: who stands below whom, and how deep.

import { create } from '@bufbuild/protobuf';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { treeNodes } from '../../../../src/main/cli/show/tree-lines.ts';
import { type Snapshot, SnapshotSchema } from '../../../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';

function family(text: string): Snapshot[] {
  return text.split(' ').map((pair) => {
    const [name = '', parent = ''] = pair.split('<');
    return create(SnapshotSchema, { name, parent });
  });
}

function lines(snapshots: readonly Snapshot[], options: { root?: string; unicode?: boolean; stepsMax?: number } = {}) {
  const { root = null, unicode = true, stepsMax = 10 } = options;
  return treeNodes(snapshots, { root, unicode, stepsMax }).map(({ prefix, snapshot }) => prefix + snapshot.name);
}

const FAMILY = family('base layer<base c1<layer c2<layer top<layer c3<top c4<top other c5<other');

test('treeNodes() draws lone children below, and several to the right', () => {
  assert.equal(lines(FAMILY), ['base', '↓ layer', '├─ c1', '├─ c2', '└─ top', '   ├─ c3', '   └─ c4', 'other', '↓ c5']);
});

test('treeNodes() draws with ASCII where there is no more', () => {
  assert.equal(lines(FAMILY, { unicode: false, root: 'layer' }), [
    'layer',
    '|- c1',
    '|- c2',
    '`- top',
    '   |- c3',
    '   `- c4',
  ]);
});

test('treeNodes() says how deep what is too far to the right is', () => {
  assert.equal(lines(FAMILY, { root: 'layer', stepsMax: 1 }), [
    'layer',
    '├─ c1',
    '├─ c2',
    '└─ top',
    '   [2] c3',
    '   [2] c4',
  ]);
});

test('treeNodes() knows the depth of everything, and nothing of a name that is not there', () => {
  const nodes = treeNodes(FAMILY, { root: null, unicode: true, stepsMax: 10 });
  assert.equal(
    nodes.map(({ depth }) => depth),
    [0, 1, 2, 2, 2, 3, 3, 0, 1],
  );
  assert.equal(lines(FAMILY, { root: 'none' }), []);
});

test('treeNodes() draws what has lost its parent as a root', () => {
  assert.equal(lines(family('a<gone b<a')), ['a', '↓ b']);
});

test('treeNodes() follows a chain of 20,000 layers', () => {
  const chain = family(
    Array.from({ length: 20_000 }, (_, index) => (index === 0 ? '0' : `${index}<${index - 1}`)).join(' '),
  );
  const nodes = treeNodes(chain, { root: null, unicode: true, stepsMax: 10 });
  assert.is(nodes.length, 20_000);
  assert.is(nodes.at(-1)?.depth, 19_999);
});

test.run();
