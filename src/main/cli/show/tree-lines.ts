// Snapshots as a tree. Chains of layers are long, so a lone child stays in its parent's column, behind an arrow; only where
// a parent has several does the tree go one step to the right.
//
//     base              committed   5MiB
//     ↓ layer           committed   1MiB      the only child of the line above
//     ├─ container      active         -
//     └─ next layer     committed   2MiB
//        ↓ another      active         -

import type { Snapshot } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { compareText } from '../sorting.ts';

export interface TreeNode {
  readonly snapshot: Snapshot;
  /** Parents between it and its root. */
  readonly depth: number;
  /** What stands before its name. */
  readonly prefix: string;
}

interface Marks {
  readonly only: string;
  readonly branch: string;
  readonly last: string;
  readonly past: string;
  readonly below: string;
}

const UNICODE: Marks = { only: '↓ ', branch: '├─ ', last: '└─ ', past: '│  ', below: '   ' };
const ASCII: Marks = { only: 'v ', branch: '|- ', last: '`- ', past: '|  ', below: '   ' };

export interface TreeOptions {
  /** The name of the only root; null: all that have no parent among the snapshots given. */
  readonly root: string | null;
  readonly unicode: boolean;
  /** Steps to the right that are drawn; what is deeper says how deep instead, or a crowded tree would leave the screen. */
  readonly stepsMax: number;
}

interface Place {
  readonly snapshot: Snapshot;
  readonly depth: number;
  readonly steps: number;
  readonly prefix: string;
  /** What stands before the marks of its children. */
  readonly childLead: string;
}

/** In the order of their lines: children by name below their parent. */
export function treeNodes(snapshots: readonly Snapshot[], options: TreeOptions): TreeNode[] {
  const names = new Set(snapshots.map(({ name }) => name));
  const children = new Map<string, Snapshot[]>();
  const roots: Snapshot[] = [];
  for (const snapshot of snapshots.toSorted((left, right) => compareText(left.name, right.name))) {
    const { root } = options;
    if (root === null ? !names.has(snapshot.parent) : snapshot.name === root) roots.push(snapshot);
    const siblings = children.get(snapshot.parent);
    if (siblings === undefined) children.set(snapshot.parent, [snapshot]);
    else siblings.push(snapshot);
  }
  const nodes: TreeNode[] = [];
  // A stack of our own: a chain may be deeper than calls can nest. The next one is at its end.
  const stack: Place[] = roots.toReversed().map(rootPlace);
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { snapshot, depth, prefix } = place;
    nodes.push({ snapshot, depth, prefix });
    const below = children.get(snapshot.name) ?? [];
    for (let index = below.length - 1; index >= 0; index -= 1) {
      const child = below[index];
      if (child !== undefined) stack.push(childPlace(place, { child, index, count: below.length }, options));
    }
  }
  return nodes;
}

function rootPlace(snapshot: Snapshot): Place {
  return { snapshot, depth: 0, steps: 0, prefix: '', childLead: '' };
}

interface Among {
  readonly child: Snapshot;
  readonly index: number;
  readonly count: number;
}

function childPlace(parent: Place, { child, index, count }: Among, { unicode, stepsMax }: TreeOptions): Place {
  const marks = unicode ? UNICODE : ASCII;
  const depth = parent.depth + 1;
  const { childLead: lead, steps } = parent;
  const place = { snapshot: child, depth, steps, childLead: lead };
  if (count === 1) return { ...place, prefix: lead + marks.only };
  if (steps >= stepsMax) return { ...place, prefix: `${lead}[${depth}] ` };
  const isLast = index === count - 1;
  return {
    ...place,
    steps: steps + 1,
    prefix: lead + (isLast ? marks.last : marks.branch),
    childLead: lead + (isLast ? marks.below : marks.past),
  };
}
