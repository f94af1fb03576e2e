import { basename, resolve } from "node:path";

import { ChannelCredentials, Client, type ClientDuplexStream, Metadata, credentials } from "@grpc/grpc-js";

import { RumpError, ofStatus } from "./error.js";
import {
  AttachRequest,
  type AttachResponse,
  type Call,
  type Result,
  SessionService,
  StreamRequest,
  type StreamResponse,
} from "./gen/rump_sp.js";
import { type OneCall, Pub, Sys } from "./sys.js";


export interface Options {
  /** Command name of the process; without it that of this program. */
  comm?: string;
  /** Token to show; without it RUMP_TOKEN. */
  token?: string;
  /** For tcp:// URLs; without it the authorities that node knows are trusted. */
  tls?: ChannelCredentials;
  /** How long connecting may take. */
  timeoutMs?: number;
}

export interface CallOptions {
  /** Ends the calls in the kernel when it is aborted. */
  signal?: AbortSignal;
  /** Go on after a call that failed. */
  keepGoing?: boolean;
}

/** A message whose fields all have their defaults. */
const NOTHING = new Uint8Array();

interface Waiter {
  done: (results: Result[]) => void;
  failed: (error: Error) => void;
}

/** Makes a process in the kernel at `url`, or at RUMP_SERVER: unix://path, tcp://host:port (TLS), tcp+plain://host:port. */
export async function connect(url?: string, options: Options = {}): Promise<Connection> {
  const { target, secure } = parse(url ?? process.env.RUMP_SERVER ?? "");
  const protection = secure ? (options.tls ?? credentials.createSsl()) : credentials.createInsecure();
  const client = new Client(target, protection, {
    "grpc.max_receive_message_length": -1, // the kernel's word on that comes with the first answer
  });
  const token = options.token ?? process.env.RUMP_TOKEN ?? "";
  const request = { ...AttachRequest.decode(NOTHING), comm: options.comm ?? command(), token, streams: true };
  const deadline = Date.now() + (options.timeoutMs ?? 20_000);
  try {
    return new Connection(client, await attach(client, request, deadline));
  } catch (error) {
    client.close();
    throw error;
  }
}

function attach(client: Client, request: AttachRequest, deadline: number): Promise<AttachResponse> {
  const { path, requestSerialize, responseDeserialize } = SessionService.attach;
  return new Promise((done, failed) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, reply) =>
      error || !reply ? failed(error ? ofStatus(error) : new Error("no answer")) : done(reply),
    );
  });
}

function command(): string {
  return basename(process.argv[1] ?? "node");
}

function parse(url: string): { target: string; secure: boolean } {
  const [, scheme, rest] = /^([a-z+]+):\/\/(.+)$/.exec(url) ?? [];
  if (scheme === "unix" && rest) {
    return { target: `unix:${resolve(rest)}`, secure: false };
  }
  if ((scheme === "tcp" || scheme === "tcp+plain") && rest) {
    return { target: `dns:${rest.replace(/\/$/, "")}`, secure: scheme === "tcp" };
  }
  throw new Error(`not a server URL: ${JSON.stringify(url)}`);
}

/** One process of a kernel. Any number of calls may be in flight. */
export class Connection {
  /** System calls, and exported kernel functions. */
  readonly sys: Sys;
  readonly pub: Pub;
  /** Number of the process in the kernel. */
  readonly pid: number;

  readonly #client: Client;
  readonly #stream: ClientDuplexStream<StreamRequest, StreamResponse>;
  readonly #waiting = new Map<bigint, Waiter>();
  #lastId = 0n;
  #broken: Error | undefined;

  constructor(client: Client, attached: AttachResponse) {
    const metadata = new Metadata();
    metadata.set("rump-session", attached.session);
    this.pid = attached.pid;
    this.#client = client;
    const { path, requestSerialize, responseDeserialize } = SessionService.stream;
    this.#stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    this.#stream.on("data", (reply: StreamResponse) => this.#reply(reply));
    this.#stream.on("error", (error: Error) => this.#fail(ofStatus(error)));
    this.#stream.on("end", () => this.#fail(new Error("the kernel closed the connection")));
    const send = (call: OneCall): Promise<unknown> => this.call(call);
    this.sys = new Sys(send);
    this.pub = new Pub(send);
  }

  /** Does one call and gives its response. */
  async call(call: OneCall, options: CallOptions = {}): Promise<unknown> {
    const [result] = await this.batch([{ call }], options);
    const answer = result?.result;
    if (answer === undefined) {
      throw new Error("the kernel sent no result");
    }
    if (answer.$case === "error") {
      throw new RumpError(answer.value);
    }
    return answer.value;
  }

  /**
   * The same process, with calls that an AbortSignal ends: `k.with(signal).sys.read(fd, 1)`.
   */
  with(signal: AbortSignal): { sys: Sys; pub: Pub } {
    const send = (call: OneCall): Promise<unknown> => this.call(call, { signal });
    return { sys: new Sys(send), pub: new Pub(send) };
  }

  /**
   * Does many calls in one message, in order. A reference in a call takes the place of a field with a result of an
   * earlier one. After a failure the rest is left out (a result without a value), unless `keepGoing`.
   */
  batch(calls: Partial<Call>[], options: CallOptions = {}): Promise<Result[]> {
    const { signal, keepGoing = false } = options;
    return new Promise((done, failed) => {
      if (this.#broken !== undefined || signal?.aborted) {
        failed(this.#broken ?? signal?.reason);
        return;
      }
      const id = ++this.#lastId;
      const abort = (): void => this.#send({ id, cancel: true });
      signal?.addEventListener("abort", abort, { once: true });
      const settled = <T>(then: (value: T) => void) => (value: T) => {
        signal?.removeEventListener("abort", abort);
        then(value);
      };
      this.#waiting.set(id, { done: settled(done), failed: settled(failed) });
      const whole = calls.map((call) => ({ references: [], call: undefined, ...call }));
      this.#send({ id, calls: whole, keep_going: keepGoing });
    });
  }

  /** Ends the process. */
  close(): void {
    this.#fail(new Error("connection closed"));
    this.#stream.cancel();
    this.#client.close();
  }

  #send(request: Partial<StreamRequest>): void {
    this.#stream.write({ ...StreamRequest.decode(NOTHING), ...request });
  }

  #reply(reply: StreamResponse): void {
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    waiter?.done(reply.results);
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    for (const waiter of this.#waiting.values()) {
      waiter.failed(this.#broken);
    }
    this.#waiting.clear();
  }
}
