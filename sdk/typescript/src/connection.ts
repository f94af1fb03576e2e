import { randomBytes } from "node:crypto";
import { connect as reach } from "node:net";
import { basename, resolve } from "node:path";

import { ChannelCredentials, Client, credentials } from "@grpc/grpc-js";

import { RumpError, isLost, ofStatus } from "./error.js";
import { AttachRequest, type AttachResponse, type Call, DetachRequest, type Result, SessionService } from "./gen/rump_sp.js";
import { attachInFrames } from "./frames.js";
import type { Siginfo } from "./gen/rump_types.js";
import { Line, type Session, type Signals, metadataOf, pause } from "./line.js";
import { type Retry, leaseOf, policy, waits } from "./retry.js";
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
  /** What becomes of a connection that is lost; without it RUMP_RETRYCONNECT. */
  retry?: Retry;
  /** How long the process outlives its connection; without it 10 s more than it is tried for. */
  leaseMs?: number;
}

export interface CallOptions {
  /** Ends the calls in the kernel when it is aborted. */
  signal?: AbortSignal;
  /** Go on after a call that failed. */
  keepGoing?: boolean;
}

/** A message whose fields all have their defaults. */
const NOTHING = new Uint8Array();
/** How long after it was aborted a call may take to end, before the connection counts as lost. */
const PATIENCE_MS = 5000;

/** Where a kernel is, and how to become a process of it. */
interface Kernel {
  target: string;
  /** For connect(2). */
  address: { path: string } | { host: string; port: number };
  dial: () => Client;
  retry: Retry;
  request: AttachRequest;
  timeoutMs: number;
  signals: Signals;
}

/** Makes a process in the kernel at `url`, or at RUMP_SERVER: unix://path, tcp://host:port (TLS), tcp+plain://host:port. */
export async function connect(url?: string, options: Options = {}): Promise<Connection> {
  const { target, address, secure } = parse(url ?? process.env.RUMP_SERVER ?? "");
  const protection = secure ? (options.tls ?? credentials.createSsl()) : credentials.createInsecure();
  const dial = (): Client =>
    new Client(target, protection, {
      "grpc.max_receive_message_length": -1, // the kernel's word on that comes with the first answer
      "grpc.use_local_subchannel_pool": 1,
    });
  const retry = policy(options.retry);
  const request = {
    ...AttachRequest.decode(NOTHING),
    comm: options.comm ?? command(),
    token: options.token ?? process.env.RUMP_TOKEN ?? "",
    lease_ms: options.leaseMs ?? leaseOf(retry),
    streams: true,
  };
  const kernel = { target, address, dial, retry, request, timeoutMs: options.timeoutMs ?? 20_000, signals: {} };
  return new Connection(kernel, await attach(kernel));
}

/** Makes a session. A kernel that is there, but whose answer is lost, is asked again with the same nonce. */
async function attach(kernel: Kernel): Promise<Line> {
  const { dial, retry, target, timeoutMs } = kernel;
  const request = { ...kernel.request, nonce: randomBytes(16) };
  const tries = waits(retry);
  for (;;) {
    const client = dial();
    try {
      const session = await askAnyWay(kernel, client, request, Date.now() + timeoutMs);
      return new Line(session, client, dial, retry, target, kernel.signals);
    } catch (error) {
      client.close();
      const { value: wait, done } = tries.next();
      if (!isLost(error as Error) || done) {
        throw error;
      }
      await probe(kernel);
      await pause(wait);
    }
  }
}

/** Attaches where the kernel is told who we are, else by gRPC. */
async function askAnyWay(
  { address }: Kernel,
  client: Client,
  request: AttachRequest,
  deadline: number,
): Promise<Session> {
  if ("path" in address && process.env.RUMP_TRANSPORT !== "grpc") {
    const reply = await attachInFrames(`${address.path}.frames`, request, deadline);
    if (reply !== undefined) {
      return sessionOf(reply);
    }
  }
  return ask(client, request, deadline);
}

function sessionOf({ session, pid, max_message }: AttachResponse): Session {
  return { token: session, pid, limit: Number(max_message) };
}

function ask(client: Client, request: AttachRequest, deadline: number): Promise<Session> {
  const { path, requestSerialize, responseDeserialize } = SessionService.attach;
  return new Promise((done, failed) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, reply) =>
      error || !reply
        ? failed(error ? ofStatus(error) : new Error("no answer"))
        : done(sessionOf(reply)),
    );
  });
}

/** Fails with what connect(2) says where nobody is there. */
function probe({ address }: Kernel): Promise<void> {
  return new Promise((done, failed) => {
    const socket = reach(address, () => {
      socket.destroy();
      done();
    });
    socket.once("error", failed);
  });
}

/** Ends a session, if its kernel can be reached in time. */
async function detach(kernel: Kernel, session: Session): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  const tries = waits(kernel.retry);
  for (;;) {
    const client = kernel.dial();
    const why = await detachOnce(client, session, end);
    client.close();
    const { value: wait, done } = tries.next();
    if (why === undefined || !isLost(why) || done || Date.now() + wait >= end) {
      return;
    }
    await pause(wait);
  }
}

function detachOnce(client: Client, session: Session, deadline: number): Promise<Error | undefined> {
  const { path, requestSerialize, responseDeserialize } = SessionService.detach;
  const empty = DetachRequest.decode(NOTHING);
  return new Promise((done) => {
    const told = (error: Error | null): void => done(error ? ofStatus(error) : undefined);
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, empty, metadataOf(session), { deadline }, told);
  });
}

function command(): string {
  return basename(process.argv[1] ?? "node");
}

function parse(url: string): { target: string; address: Kernel["address"]; secure: boolean } {
  const [, scheme, rest] = /^([a-z+]+):\/\/(.+?)\/?$/.exec(url) ?? [];
  if (scheme === "unix" && rest) {
    return { target: `unix:${resolve(rest)}`, address: { path: resolve(rest) }, secure: false };
  }
  if ((scheme === "tcp" || scheme === "tcp+plain") && rest) {
    const { hostname, port } = new URL(`tcp://${rest}`);
    const address = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
    return { target: `dns:${rest}`, address, secure: scheme === "tcp" };
  }
  throw new Error(`not a server URL: ${JSON.stringify(url)}`);
}

/** One process of a kernel. Any number of calls may be in flight. */
export class Connection {
  /** System calls, and exported kernel functions. */
  readonly sys: Sys;
  readonly pub: Pub;

  readonly #kernel: Kernel;
  #line: Line;
  #renewing: Promise<Line> | undefined;
  #closed = false;

  constructor(kernel: Kernel, line: Line) {
    this.#kernel = kernel;
    this.#line = line;
    const send = (call: OneCall): Promise<unknown> => this.call(call);
    this.sys = new Sys(send);
    this.pub = new Pub(send);
  }

  /** Number of the process in the kernel. It changes only with the session, after an ESTALE. */
  get pid(): number {
    return this.#line.session.pid;
  }

  /**
   * Has the signals of the process go to a function, by NetBSD's numbers and with what comes with them (siginfo(2));
   * without one they are dropped.
   */
  onSignal(handler: ((info: Siginfo) => void) | undefined): void {
    this.#kernel.signals.handler = handler;
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
  async batch(calls: Partial<Call>[], options: CallOptions = {}): Promise<Result[]> {
    const { signal, keepGoing = false } = options;
    signal?.throwIfAborted();
    const line = await this.#current();
    const whole = calls.map((call) => ({ references: [], call: undefined, ...call }));
    const { id, results } = line.post({ calls: whole, keep_going: keepGoing });
    if (signal === undefined) {
      return results;
    }
    let late: NodeJS.Timeout | undefined;
    const abort = (): void => {
      line.cancel(id);
      late = setTimeout(() => line.giveUp(id, signal.reason), PATIENCE_MS);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await results;
    } finally {
      signal.removeEventListener("abort", abort);
      clearTimeout(late);
    }
  }

  /** Ends the process. The promise is for whoever wants to know that it is gone. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    const line = this.#line;
    const alive = line.leave(new Error("connection closed"));
    if (alive) {
      await detach(this.#kernel, line.session);
      line.close();
    }
  }

  /** The line to call on. After the end of a session, once that was told, it is that of another one. */
  async #current(): Promise<Line> {
    if (!this.#line.ended || this.#closed) {
      return this.#line;
    }
    this.#renewing ??= attach(this.#kernel).finally(() => (this.#renewing = undefined));
    const line = await this.#renewing;
    if (this.#line.ended) {
      this.#line = line;
      console.warn(`rump: attached to ${this.#kernel.target} anew, as process ${line.session.pid}`);
    }
    return this.#line;
  }
}
