// What is asked of a daemon that dies, and what is there once it was done: the words of the trials that kill it.

import { type Info, Kind } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { LabelMap, SnapshotsClient } from '../snapshots-client.ts';

export interface Entry {
  readonly kind: 'active' | 'view' | 'committed';
  readonly parent: string;
  readonly labels: string;
}

export type Model = Map<string, Entry>;

export interface Step {
  readonly title: string;
  readonly call: (client: SnapshotsClient) => Promise<unknown>;
  readonly apply: (model: Model) => void;
  /** What it answers when it was done before. */
  readonly again: string;
}

/** One line for each snapshot, in order: what is compared. */
export function textOf(model: Model): readonly string[] {
  return [...model].map(([key, { kind, parent, labels }]) => `${key} ${kind} of ${parent} ${labels}`).sort();
}

/** The same of what a List answered. */
export function textOfAll(infos: readonly Info[]): readonly string[] {
  return textOf(new Map(infos.map(({ name, ...info }) => [name, toEntry(info)])));
}

function toEntry({ parent, kind, labels }: Pick<Info, 'parent' | 'kind' | 'labels'>): Entry {
  const word = kind === Kind.ACTIVE ? 'active' : kind === Kind.VIEW ? 'view' : 'committed';
  return { kind: word, parent, labels: JSON.stringify(labels) };
}

export function prepare(key: string, parent: string, labels: LabelMap = {}): Step {
  const entry = { key, parent, kind: 'active', labels: JSON.stringify(labels) } as const;
  return made(`Prepare ${key}`, entry, (client) => client.prepare(key, parent, labels));
}

export function view(key: string, parent: string): Step {
  const entry = { key, parent, kind: 'view', labels: '{}' } as const;
  return made(`View ${key}`, entry, (client) => client.view(key, parent));
}

function made(title: string, { key, ...entry }: Entry & { key: string }, call: Step['call']): Step {
  const apply = (model: Model): void => void model.set(key, entry);
  return { title, call, apply, again: 'ALREADY_EXISTS' };
}

export function commit(name: string, key: string): Step {
  return {
    title: `Commit ${name}`,
    call: (client) => client.commit(name, key),
    apply: (model) => {
      const parent = model.get(key)?.parent ?? '';
      model.delete(key);
      model.set(name, { kind: 'committed', parent, labels: '{}' });
    },
    again: 'NOT_FOUND',
  };
}

export function update(name: string, labels: Readonly<Record<string, string>>): Step {
  return {
    title: `Update ${name}`,
    call: (client) => client.update({ name, labels }),
    apply: (model) => {
      const old = model.get(name);
      if (old !== undefined) model.set(name, { ...old, labels: JSON.stringify(labels) });
    },
    again: 'OK',
  };
}

export function remove(key: string): Step {
  return {
    title: `Remove ${key}`,
    call: (client) => client.remove(key),
    apply: (model) => void model.delete(key),
    again: 'NOT_FOUND',
  };
}

export function cleanup(): Step {
  return { title: 'Cleanup', call: (client) => client.cleanup(), apply: () => undefined, again: 'OK' };
}
