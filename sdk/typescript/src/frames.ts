import { type Socket, connect as reach } from "node:net";

import { RumpError, lost } from "./error.js";
import { AttachRequest, AttachResponse, StreamResponse } from "./gen/rump_sp.js";

/** The words before the messages of an Attach in frames (docs/transport.md), and the longest answer that is read. */
const ATTACH = Buffer.from("attach\n");
const ATTACHED = Buffer.from("attached\n");
const LONGEST = 1 << 20;

/**
 * Attaches at a socket of frames, where the host tells the kernel whose program this is. The stream and all else go over
 * gRPC, by the session's token. `undefined`: nobody speaks frames there.
 */
export async function attachInFrames(
  path: string,
  request: AttachRequest,
  deadline: number,
): Promise<AttachResponse | undefined> {
  const message = Buffer.concat([ATTACH, AttachRequest.encode(request).finish()]);
  const frame = await exchange(path, message, deadline);
  if (frame === undefined) {
    return undefined;
  }
  if (frame.subarray(0, ATTACHED.length).equals(ATTACHED)) {
    return AttachResponse.decode(frame.subarray(ATTACHED.length));
  }
  const { end } = StreamResponse.decode(frame);
  if (end === undefined) {
    throw lost("the kernel sent something that is no answer to Attach");
  }
  throw new RumpError(end);
}

/** Sends a frame, and gives the one that answers it, if there is any. */
function exchange(path: string, message: Buffer, deadline: number): Promise<Buffer | undefined> {
  return new Promise((done, failed) => {
    const socket = reach(path, () => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(message.length);
      socket.write(Buffer.concat([head, message]));
    });
    const late = setTimeout(() => {
      socket.destroy();
      failed(new RumpError({ errno: 60, name: "ETIMEDOUT", text: `${path} does not answer`, origin: "connection" }));
    }, Math.max(deadline - Date.now(), 0));
    const over = (frame?: Buffer): void => {
      clearTimeout(late);
      socket.destroy();
      done(frame);
    };
    gather(socket, over);
    socket.once("error", () => over());
    socket.once("close", () => over());
  });
}

/** Calls back with the first frame; with nothing for one that nobody sends. */
function gather(socket: Socket, over: (frame?: Buffer) => void): void {
  let came = Buffer.alloc(0);
  socket.on("data", (piece) => {
    came = Buffer.concat([came, piece]);
    if (came.length < 4) {
      return;
    }
    const length = came.readUInt32LE();
    if (length > LONGEST) {
      over();
    } else if (came.length >= 4 + length) {
      over(came.subarray(4, 4 + length));
    }
  });
}
