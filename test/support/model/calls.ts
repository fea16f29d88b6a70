// What a client may do, and what became of it: the words that scenarios, the model and the histories share.

/** Of one text, in a failure. */
const SHOWN_CHARS = 60;

export type LabelRecord = Readonly<Record<string, string>>;

export type Call =
  | { readonly kind: 'Prepare' | 'View'; readonly key: string; readonly parent: string; readonly labels: LabelRecord }
  | { readonly kind: 'Mounts' | 'Remove' | 'Stat' | 'Usage'; readonly key: string }
  | {
      readonly kind: 'Commit';
      readonly key: string;
      readonly name: string;
      readonly labels: LabelRecord;
      readonly parent: string;
    }
  | {
      readonly kind: 'Update';
      readonly key: string;
      readonly labels: LabelRecord;
      readonly paths: readonly string[];
    }
  | { readonly kind: 'List'; readonly only: SnapshotKind | 'all' }
  | { readonly kind: 'Cleanup' };

/** What a client does through the path that Prepare, View or Mounts gave it: no call, but the contract speaks of it. */
export type Access =
  | { readonly kind: 'Write'; readonly source: string; readonly content: number }
  | { readonly kind: 'Read'; readonly key: string; readonly source: string };

export type SnapshotKind = 'active' | 'view' | 'committed';

export interface Info {
  readonly key: string;
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: LabelRecord;
  readonly createdNs: bigint;
  readonly updatedNs: bigint;
}

export interface MountSeen {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export type Answer =
  | { readonly kind: 'mount'; readonly mount: MountSeen }
  | { readonly kind: 'info'; readonly info: Info }
  | { readonly kind: 'infos'; readonly infos: readonly Info[] }
  /** Null where nobody knows what is right. */
  | { readonly kind: 'size'; readonly bytes: number | null }
  | { readonly kind: 'seen'; readonly seen: { readonly content: number; readonly readOnly: boolean } | null }
  | { readonly kind: 'empty' };

export type Outcome =
  | { readonly kind: 'done'; readonly answer: Answer }
  /** By the contract: the status's name. It changed nothing. */
  | { readonly kind: 'refused'; readonly code: string }
  /** Nobody was told: it was done until `end`, or never. */
  | { readonly kind: 'lost' };

export interface Operation {
  readonly client: number;
  readonly call: Call | Access;
  /** Places in the order of all starts and ends; an end is later than its start. */
  readonly start: number;
  readonly end: number;
  /** By the daemon's clock, when it was sent. */
  readonly startNs: bigint;
  readonly outcome: Outcome;
}

export function showOperation({ client, call, start, end, outcome }: Operation): string {
  const { kind, ...rest } = call;
  const became =
    outcome.kind === 'done'
      ? showAnswer(outcome.answer)
      : outcome.kind === 'refused'
        ? outcome.code
        : 'nobody was told';
  return `${start}..${end} client ${client}: ${kind} ${show(rest)} -> ${became}`;
}

function showAnswer(answer: Answer): string {
  const { kind, ...rest } = answer;
  return kind === 'empty' ? 'OK' : show(rest);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return String(part);
    // Paths differ at their end.
    return typeof part === 'string' && part.length > SHOWN_CHARS
      ? `${part.slice(0, SHOWN_CHARS / 2)}...${part.slice(-SHOWN_CHARS / 2)}`
      : part;
  });
}
