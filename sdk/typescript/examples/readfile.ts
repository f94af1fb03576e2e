/**
 * Makes a directory and a file in a kernel, reads it back, lists the directory, and meets an error.
 *
 *     RUMP_SERVER=unix:///run/k.sock node dist/examples/readfile.js
 */
import { type Connection, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, RumpError, connect } from "../src/index.js";

async function write(k: Connection, path: string, data: Buffer): Promise<void> {
  const fd = await k.sys.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644);
  const count = await k.sys.write(fd, data);
  if (count !== BigInt(data.length)) {
    throw new Error(`wrote ${count} of ${data.length} bytes`);
  }
  await k.sys.close(fd);
}

async function read(k: Connection, path: string): Promise<Buffer> {
  const fd = await k.sys.open(path, O_RDONLY);
  const st = await k.sys.fstat(fd);
  const data = await k.sys.read(fd, st?.st_size ?? 0);
  await k.sys.close(fd);
  return data;
}

async function* list(k: Connection, path: string): AsyncGenerator<string> {
  const fd = await k.sys.open(path, O_RDONLY);
  for (let entries; (entries = await k.sys.getdents(fd, 65536)).length > 0; ) {
    for (const entry of entries) {
      yield entry.d_name.toString();
    }
  }
  await k.sys.close(fd);
}

/** Shows that an AbortSignal ends a call that waits: nobody ever writes into this pipe. */
async function interrupt(k: Connection): Promise<void> {
  const { rfd } = await k.sys.pipe();
  try {
    await k.with(AbortSignal.timeout(50)).sys.read(rfd, 1);
  } catch (error) {
    if (error instanceof RumpError && error.code === "EINTR") {
      console.log("interrupted a read that waited");
      return;
    }
    throw error;
  }
  throw new Error("read of an empty pipe came back");
}

const k = await connect(); // RUMP_SERVER
try {
  console.log("pid", k.pid);
  const folder = `/tmp/ts-${k.pid}`;
  await k.sys.mkdir(folder, 0o755);
  await write(k, `${folder}/greeting`, Buffer.from("hello from TypeScript\n"));
  console.log("read", JSON.stringify((await read(k, `${folder}/greeting`)).toString()));
  for await (const name of list(k, folder)) {
    console.log("entry", name);
  }
  try {
    await k.sys.open(`${folder}/nothing`, O_RDONLY);
  } catch (error) {
    if (!(error instanceof RumpError) || error.code !== "ENOENT") {
      throw error;
    }
    console.log("error", error.code, "from", error.origin);
  }
  await interrupt(k);
} finally {
  await k.close();
}
