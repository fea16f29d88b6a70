// An event as a line for people and as JSON. Both have the same types and the same parts.

import { type EventsResponse, Kind } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { problemJson } from '../daemon/to-json.ts';
import { kindWord } from '../daemon/words.ts';
import { showBytes, toRfc3339 } from './format.ts';
import { plainLine, showWord, type TextOptions } from './plain-text.ts';

export const EVENT_TYPES = [
  'prepare',
  'view',
  'commit',
  'remove',
  'update',
  'reaped',
  'extended',
  'problem',
  'solved',
  'lost',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const TYPE_CHARS = Math.max(...EVENT_TYPES.map((type) => type.length));

/** Null: a type that a later daemon sends. */
export function typeOf({ event }: EventsResponse): EventType | null {
  switch (event.case) {
    case 'made':
      return event.value.kind === Kind.VIEW ? 'view' : 'prepare';
    case 'committed':
      return 'commit';
    case 'removed':
      return 'remove';
    case 'updated':
      return 'update';
    case 'reaped':
    case 'extended':
    case 'problem':
    case 'solved':
    case 'lost':
      return event.case;
    case undefined:
      return null;
  }
}

export function eventLine({ time, event }: EventsResponse, type: EventType, options: TextOptions): string {
  const key = (text: string): string => showWord(text, options);
  const stamp = (toRfc3339(time) ?? '-').replace(/\.(\d{3})\d+Z$/, '.$1Z');
  const text = (): string => {
    switch (event.case) {
      case 'made':
        return `${key(event.value.key)}${event.value.parent === '' ? '' : ` of ${key(event.value.parent)}`}`;
      case 'committed':
        return `${key(event.value.key)} as ${key(event.value.name)}, ${showBytes(event.value.usageBytes)} added`;
      case 'removed':
      case 'updated':
        return `${key(event.value.key)} (${kindWord(event.value.kind)})`;
      case 'reaped':
        return `device ${event.value.deviceId}`;
      case 'extended': {
        const { what, beforeBytes, afterBytes } = event.value;
        return plainLine(`${what} space from ${showBytes(beforeBytes)} to ${showBytes(afterBytes)}`, options);
      }
      case 'problem':
        return plainLine(`${event.value.code}: ${event.value.found}. What to do: ${event.value.advice}`, options);
      case 'solved':
        return plainLine(event.value.code, options);
      case 'lost':
        return `${event.value} events: this reader was too slow`;
      case undefined:
        return '';
    }
  };
  return `${stamp}  ${type.padEnd(TYPE_CHARS)}  ${text()}`;
}

export function eventJson({ time, event }: EventsResponse, type: EventType): unknown {
  return { time: toRfc3339(time), type, ...partsJson(event) };
}

function partsJson(event: EventsResponse['event']): Record<string, unknown> {
  switch (event.case) {
    case 'made': {
      const { key, parent, deviceId } = event.value;
      return { key, parent: parent === '' ? null : parent, device_id: Number(deviceId) };
    }
    case 'committed': {
      const { key, name, parent, usageBytes, deviceId } = event.value;
      const sizes = { usage_bytes: Number(usageBytes), device_id: Number(deviceId) };
      return { key, name, parent: parent === '' ? null : parent, ...sizes };
    }
    case 'removed':
      return { key: event.value.key, kind: kindWord(event.value.kind), device_id: Number(event.value.deviceId) };
    case 'updated':
      return { key: event.value.key, kind: kindWord(event.value.kind) };
    case 'reaped':
      return { device_id: Number(event.value.deviceId) };
    case 'extended': {
      const { what, beforeBytes, afterBytes } = event.value;
      return { what, before_bytes: Number(beforeBytes), after_bytes: Number(afterBytes) };
    }
    case 'problem':
      return problemJson(event.value);
    case 'solved':
      return { code: event.value.code };
    case 'lost':
      return { count: Number(event.value) };
    case undefined:
      return {};
  }
}
