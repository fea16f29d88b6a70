// Services that hardly anybody calls, health and reflection: what implements them is loaded at the first call. Loaded at the
// start, it took a third of the processor time of all that a start does.

import {
  type MethodDefinition,
  type Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

type Kind = 'unary' | 'serverStream' | 'bidi';

/** The methods' paths, and what each is. */
export type Methods = Readonly<Record<string, Kind>>;

/** What is loaded: it adds itself to a server, as such packages do. */
export interface Addable {
  addToServer(server: Server): void;
}

interface Method {
  readonly definition: MethodDefinition<object, object>;
  readonly handle: UntypedHandleCall;
}

type Call = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

const asItIs = (bytes: Buffer): Buffer => bytes;

/** Adds methods to `server`; the first call of one of them runs `load`, the first that fails lets the next one try again. */
export function addLazily(server: Server, methods: Methods, load: () => Promise<Addable>): void {
  let loaded: Promise<ReadonlyMap<string, Method>> | null = null;
  const find = async (path: string): Promise<Method> => {
    loaded ??= load()
      .then(methodsOf)
      .catch((error: unknown) => {
        loaded = null;
        throw error;
      });
    const method = (await loaded).get(path);
    if (method === undefined) throw new Error(`What was loaded has no ${path}`);
    return method;
  };
  for (const [path, kind] of Object.entries(methods)) {
    const handler = kind === 'unary' ? unaryHandler(() => find(path)) : streamHandler(() => find(path));
    server.register(path, handler, asItIs, asItIs, kind);
  }
}

function unaryHandler(find: () => Promise<Method>) {
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    find()
      .then(({ definition, handle }) => {
        const answer: sendUnaryData<object> = (error, value) => {
          callback(error, value === null || value === undefined ? null : definition.responseSerialize(value));
        };
        Reflect.apply(handle, null, [decoded(call, definition), answer]);
      })
      .catch((error: unknown) => callback(toStatus(error), null));
  };
}

function streamHandler(find: () => Promise<Method>) {
  return (call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>): void => {
    find()
      .then(({ definition, handle }) => {
        Reflect.apply(handle, null, [decoded(call, definition)]);
      })
      .catch((error: unknown) => call.emit('error', toStatus(error)));
  };
}

/** The call as its handler wants it: with messages instead of bytes. */
function decoded(call: Call, { requestDeserialize: decode, responseSerialize: encode }: Method['definition']): Call {
  const request = 'request' in call ? decode(call.request) : null;
  const onData = (listener: (message: object) => void) => (bytes: Buffer) => {
    try {
      listener(decode(bytes));
    } catch (error) {
      call.emit('error', toStatus(error));
    }
  };
  return new Proxy(call, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name);
      if (name === 'request') return request;
      if (typeof value !== 'function') return value;
      if (name === 'write') return (message: object) => void Reflect.apply(value, target, [encode(message)]);
      if (name === 'on') {
        return (event: string, listener: (message: object) => void) =>
          void Reflect.apply(value, target, [event, event === 'data' ? onData(listener) : listener]);
      }
      return (...values: readonly unknown[]): unknown => Reflect.apply(value, target, values);
    },
  });
}

function methodsOf(service: Addable): ReadonlyMap<string, Method> {
  const found = new Map<string, Method>();
  const collector: Pick<Server, 'addService'> = {
    addService(definitions: ServiceDefinition, implementation: UntypedServiceImplementation): void {
      for (const [name, definition] of Object.entries<Method['definition']>(definitions)) {
        const handle = implementation[name] ?? implementation[definition.originalName ?? name];
        if (handle !== undefined) found.set(definition.path, { definition, handle });
      }
    },
  };
  // All that a package asks of a server.
  service.addToServer(collector as Server);
  return found;
}

function toStatus(error: unknown): { readonly code: status; readonly details: string } {
  return { code: status.INTERNAL, details: error instanceof Error ? error.message : String(error) };
}
