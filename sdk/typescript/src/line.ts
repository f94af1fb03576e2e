import { Client, type ClientDuplexStream, Metadata } from "@grpc/grpc-js";

import { RumpError, isGone, isLost, lost, ofStatus, stale } from "./error.js";
import { SI_NOINFO } from "./const.js";
import { SessionService, StreamRequest, type StreamResponse } from "./gen/rump_sp.js";
import { Siginfo } from "./gen/rump_types.js";
import type { Result } from "./gen/rump_sp.js";
import { type Retry, tries, waits } from "./retry.js";

/** How long the first answer on a new stream may take, in milliseconds. */
const RESUMPTION_MS = 5000;

/** What Attach gave. */
export interface Session {
  token: string;
  pid: number;
  /** Largest request that is taken, in bytes. */
  limit: number;
}

/** Where the signals of a process go, by NetBSD's numbers. */
export interface Signals {
  handler?: (info: Siginfo) => void;
}

interface Waiter {
  /** The request, to be sent again. */
  payload: Buffer;
  cancelled: boolean;
  done: (results: Result[]) => void;
  failed: (error: Error) => void;
}

/** One stream, on a channel of its own. */
class Wire {
  reply: (reply: StreamResponse) => void = () => undefined;
  /** Called once. */
  ended: (why: Error) => void = () => undefined;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, StreamResponse>;

  constructor(client: Client, session: Session) {
    const { path, responseDeserialize } = SessionService.stream;
    const metadata = metadataOf(session);
    this.#client = client;
    this.#stream = client.makeBidiStreamRequest(path, (payload) => payload, responseDeserialize, metadata);
    this.#stream.on("data", (reply: StreamResponse) => this.reply(reply));
    this.#stream.on("error", (error: Error) => this.#end(ofStatus(error)));
    this.#stream.on("status", () => this.#end(lost("the kernel has ended the connection")));
  }

  send(payload: Buffer): void {
    this.#stream.write(payload);
  }

  end(): void {
    this.#stream.cancel();
  }

  #end(why: Error): void {
    const ended = this.ended;
    this.ended = () => undefined;
    this.#client.close();
    ended(why);
  }
}

/** Requests are encoded once: they are sent again as they were. */
function request(fields: Partial<StreamRequest>): Buffer {
  return SessionService.stream.requestSerialize({ ...StreamRequest.decode(new Uint8Array()), ...fields });
}

export function metadataOf(session: Session): Metadata {
  const metadata = new Metadata();
  metadata.set("rump-session", session.token);
  return metadata;
}

/**
 * The calls of one session, over one stream after another (docs/sessions.md). What has no answer when a stream is cut is
 * sent again on the next; the gateway does each id once.
 */
export class Line {
  readonly session: Session;
  readonly #retry: Retry;
  readonly #dial: () => Client;
  readonly #name: string;
  readonly #signals: Signals;
  /** In the order of their ids. */
  readonly #waiting = new Map<bigint, Waiter>();
  readonly #over = new AbortController();
  #next = 1n;
  #answered: bigint[] = [];
  #wire: Wire | undefined;
  #broken: Error | undefined;
  #told = false;

  constructor(session: Session, client: Client, dial: () => Client, retry: Retry, name: string, signals: Signals) {
    this.session = session;
    this.#retry = retry;
    this.#dial = dial;
    this.#name = name;
    this.#signals = signals;
    this.#use(new Wire(client, session));
  }

  /** The session is gone and that was told: it is time for another one. */
  get ended(): boolean {
    return this.#told && tries(this.#retry) && this.#broken !== undefined && isGone(this.#broken);
  }

  // -- calls

  /** Sends a request; the id is for `cancel`. EMSGSIZE, and why the line is broken. */
  post(fields: Partial<StreamRequest>): { id: bigint; results: Promise<Result[]> } {
    if (this.#broken !== undefined) {
      this.#told = true;
      throw this.#broken;
    }
    const id = this.#next;
    const payload = request({ ...fields, id, acked: this.#lowest(), answered: this.#answered });
    if (payload.length > this.session.limit) {
      const text = `the message has ${payload.length} bytes, the kernel takes ${this.session.limit}`;
      throw new RumpError({ errno: 40, name: "EMSGSIZE", text, origin: "connection" });
    }
    this.#next++;
    this.#answered = [];
    const results = new Promise<Result[]>((done, failed) => {
      this.#waiting.set(id, { payload, cancelled: false, done, failed });
    });
    this.#wire?.send(payload);
    return { id, results };
  }

  /** Has the kernel end a call that waits. */
  cancel(id: bigint): void {
    const waiter = this.#waiting.get(id);
    if (waiter !== undefined) {
      waiter.cancelled = true;
      this.#wire?.send(request({ id, cancel: true }));
    }
  }

  /** Waits no longer for an answer. A stream that owes one for so long is taken for lost. */
  giveUp(id: bigint, why: Error): void {
    const waiter = this.#waiting.get(id);
    if (waiter !== undefined) {
      this.#waiting.delete(id);
      waiter.failed(why);
      this.#wire?.end();
    }
  }

  /** Calls fail from now on. Whether they did not before: then the session is to be ended. */
  leave(why: Error): boolean {
    const alive = this.#broken === undefined;
    this.#fail(why);
    return alive;
  }

  close(): void {
    this.#wire?.end();
  }

  /** The lowest id without an answer, or that of the next request. */
  #lowest(): bigint {
    for (const id of this.#waiting.keys()) {
      return id;
    }
    return this.#next;
  }

  #deliver(reply: StreamResponse, wire: Wire): void {
    if (reply.signal !== 0) {
      this.#signal(reply);
      return;
    }
    const waiter = this.#waiting.get(reply.id);
    if (waiter === undefined) {
      return;
    }
    if (reply.busy) {
      // The gateway holds too many answers that it does not know to have arrived.
      wire.send(request({ acked: this.#lowest(), answered: this.#answered }));
      this.#answered = [];
      wire.send(waiter.payload);
      return;
    }
    this.#waiting.delete(reply.id);
    if (this.#lowest() < reply.id) {
      this.#answered.push(reply.id);
    }
    waiter.done(reply.results);
  }

  #signal(reply: StreamResponse): void {
    const { signal, siginfo } = reply;
    this.#signals.handler?.(
      siginfo ?? { ...Siginfo.decode(new Uint8Array()), si_signo: signal, si_code: SI_NOINFO },
    );
  }

  #fail(why: Error): void {
    if (this.#broken === undefined) {
      this.#broken = why;
      this.#told = this.#waiting.size > 0;
      this.#over.abort();
    }
    for (const waiter of this.#waiting.values()) {
      waiter.failed(this.#broken);
    }
    this.#waiting.clear();
  }

  // -- streams

  #use(wire: Wire): void {
    this.#wire = wire;
    wire.reply = (reply) => this.#deliver(reply, wire);
    wire.ended = (why) => {
      this.#wire = undefined;
      void this.#mend(why);
    };
  }

  /** Makes another stream as far as the policy lets it, else ends the line. */
  async #mend(why: Error): Promise<void> {
    if (this.#broken !== undefined) {
      return;
    }
    if (this.#retry === "die") {
      console.warn(`rump: connection to ${this.#name} lost (${why.message}); this process ends`);
      process.exit(1);
    }
    if (!tries(this.#retry) || !isLost(why)) {
      this.#fail(why);
      return;
    }
    console.warn(`rump: connection to ${this.#name} lost (${why.message}); trying again`);
    for (const wait of waits(this.#retry)) {
      await pause(wait, this.#over.signal);
      if (this.#broken !== undefined) {
        return;
      }
      try {
        await this.#resume();
        console.warn(`rump: connection to ${this.#name} is back`);
        return;
      } catch (error) {
        why = error as Error;
        if (!isLost(why)) {
          break;
        }
      }
    }
    this.#fail(isGone(why) ? stale(why) : why);
  }

  /** Opens a stream, says what is waited for, and sends that again. */
  #resume(): Promise<void> {
    const wire = new Wire(this.#dial(), this.session);
    const waiting = [...this.#waiting.keys()];
    this.#answered = []; // with this the gateway knows all
    wire.send(request({ resume: true, acked: this.#lowest(), waiting }));
    return new Promise((done, failed) => {
      const late = setTimeout(() => wire.end(), RESUMPTION_MS);
      wire.reply = (reply) => {
        if (reply.signal !== 0) {
          this.#signal(reply);
          return;
        }
        clearTimeout(late);
        this.#repeat(wire);
        done();
      };
      wire.ended = (why) => {
        clearTimeout(late);
        failed(why);
      };
    });
  }

  #repeat(wire: Wire): void {
    if (this.#broken !== undefined) {
      wire.end();
      return;
    }
    for (const [id, waiter] of this.#waiting) {
      wire.send(waiter.payload);
      if (waiter.cancelled) {
        wire.send(request({ id, cancel: true }));
      }
    }
    this.#use(wire);
  }
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(finish, ms);
    function finish(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      done();
    }
    if (signal?.aborted) {
      finish();
    }
    signal?.addEventListener("abort", finish);
  });
}
