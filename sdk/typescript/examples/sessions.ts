/**
 * What tests cut in two: tests/integration/sdk_sessions.py says what it prints.
 *
 *     sessions.js script PATH          calls of which none may be left out, or done twice
 *     sessions.js workers PATH STOP    four that write, until there is a file STOP
 *     sessions.js stale                a session that ends
 *     sessions.js signals              each signal that comes
 */
import { existsSync } from "node:fs";

import { type Connection, O_APPEND, O_CREAT, O_EXCL, O_RDWR, RumpError, connect } from "../src/index.js";

async function script(k: Connection, path: string): Promise<void> {
  const { pid } = await k.sys.getpid();
  console.log(pid === k.pid);
  const fd = await k.sys.open(path, O_CREAT | O_EXCL | O_RDWR | O_APPEND, 0o644);
  console.log(`${fd} ${await k.sys.write(fd, text("first,"))} ${await k.sys.write(fd, text("second,"))}`);
  await k.sys.mkdir(`${path}.d`, 0o755);
  await k.sys.chdir(`${path}.d`);
  const { rfd, wfd } = await k.sys.pipe();
  console.log(`${rfd} ${wfd} ${await k.sys.write(wfd, text("0123456789"))}`);
  console.log(`${await k.sys.read(rfd, 4)} ${await k.sys.read(rfd, 4)}`);
  const [copy, wrote] = await k.batch([
    { call: { $case: "dup", value: { fd } } },
    { call: { $case: "write", value: { fd, data: text("third,") } } },
  ]);
  const extra = copy?.result?.$case === "dup" && copy.result.value.fd;
  const count = wrote?.result?.$case === "write" && wrote.result.value.count;
  console.log(`${extra} ${count} ${await k.sys.dup(fd)}`);
  await k.sys.mkdir("made here", 0o755);
  console.log((await k.sys.pread(fd, 99, 0)).toString());
}

const text = (value: string): Buffer => Buffer.from(value);

/** What a call fails with. */
async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "nothing";
  } catch (error) {
    return error instanceof RumpError ? error.code : String(error);
  }
}

/** Writes four at a time while one call lasts through all, and one is given up. */
async function workers(k: Connection, path: string, stop: string): Promise<void> {
  const { pid } = k;
  const fd = await k.sys.open(path, O_CREAT | O_RDWR | O_APPEND, 0o644);
  const { rfd, wfd } = await k.sys.pipe();
  const giveUp = new AbortController();
  const waits = read(k, rfd);
  const givenUp = failure(k.with(giveUp.signal).sys.read(rfd, 9));
  await Promise.all([0, 1, 2, 3].map((number) => write(k, fd, number, stop)));
  giveUp.abort();
  console.log(`given up ${["EINTR", "ENOLINK"].includes(await givenUp)}`);
  console.log(`same ${pid === k.pid} ${await k.sys.write(wfd, text("at last"))}`);
  console.log(`waited ${await waits}`);
}

/** Is done again when it is not known whether it was done. */
async function read(k: Connection, fd: number): Promise<Buffer> {
  for (;;) {
    try {
      return await k.sys.read(fd, 9);
    } catch (error) {
      if (!(error instanceof RumpError) || error.code !== "ENOLINK") {
        throw error;
      }
    }
  }
}

async function write(k: Connection, fd: number, number: number, stop: string): Promise<void> {
  for (let count = 0; !existsSync(stop); count++) {
    const line = `${number}:${count}`;
    const failed = await failure(k.sys.write(fd, text(`${line}\n`)));
    if (failed !== "nothing" && failed !== "ENOLINK") {
      throw new Error(failed);
    }
    console.log(`${failed === "nothing" ? "wrote" : "doubt"} ${line}`);
  }
}

async function stale(k: Connection): Promise<void> {
  const { rfd } = await k.sys.pipe();
  console.log(`pid ${k.pid}`);
  console.log(await failure(k.sys.read(rfd, 1)));
  const { pid } = await k.sys.getpid();
  console.log(`pid ${pid} ${pid === k.pid}`);
  console.log(await failure(k.sys.fstat(rfd)));
}

/** Prints until it is killed. */
function signals(k: Connection): Promise<never> {
  k.onSignal((s) => console.log(`${s.si_signo} ${s.si_code} ${s.si_pid} ${s.si_uid} ${s.si_value}`));
  console.log(`pid ${k.pid}`);
  return new Promise(() => undefined);
}

const [, , what, path = "", stop = ""] = process.argv;
const k = await connect(undefined, { retry: 30, ...(what === "stale" && { leaseMs: 300 }) });
switch (what) {
  case "script":
    await script(k, path);
    break;
  case "workers":
    await workers(k, path, stop);
    break;
  case "stale":
    await stale(k);
    break;
  case "signals":
    await signals(k);
}
await k.close();
