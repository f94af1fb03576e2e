import { Metadata } from "@grpc/grpc-js";

import { SyscallError } from "./gen/rump_types.js";

/** The kernel's answer to a call that failed. */
export class RumpError extends Error {
  /** NetBSD's number; `code` is its name, as in the errors of node. */
  readonly errno: number;
  readonly code: string;
  /** The component that refused: kern, vfs, net, dev or gateway. */
  readonly origin: string;

  constructor(error: SyscallError) {
    super(error.text ? `${error.name}: ${error.text}` : error.name);
    this.name = "RumpError";
    this.errno = error.errno;
    this.code = error.name;
    this.origin = error.origin;
  }
}

const DETAILS = "grpc-status-details-bin";
const TYPE = "rump.sp.v1.SyscallError";

/** The kernel's error in a failed unary call; other failures stay as they are. */
export function ofStatus(failure: Error & { metadata?: Metadata }): Error {
  for (const value of failure.metadata?.get(DETAILS) ?? []) {
    const found = typeof value === "string" ? undefined : unpack(value);
    if (found !== undefined) {
      return new RumpError(found);
    }
  }
  return failure;
}

/** Finds the SyscallError in a serialized google.rpc.Status: field 3 holds Any{1: type URL, 2: value}. */
function unpack(status: Uint8Array): SyscallError | undefined {
  for (const detail of fields(status, 3)) {
    const [url] = fields(detail, 1);
    const [value] = fields(detail, 2);
    if (url !== undefined && value !== undefined && Buffer.from(url).toString().endsWith(`/${TYPE}`)) {
      return SyscallError.decode(value);
    }
  }
  return undefined;
}

/** The length-delimited fields of a number in a message. */
function* fields(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; at < message.length; shift *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) {
        break;
      }
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const length = varint(); // of the value, or for a varint the value itself
    if (tag % 8 === 0) {
      continue;
    }
    if (tag % 8 !== 2 || at + length > message.length) {
      return;
    }
    if (tag >> 3 === wanted) {
      yield message.subarray(at, at + length);
    }
    at += length;
  }
}
