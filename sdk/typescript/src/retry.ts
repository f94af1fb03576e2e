/**
 * What becomes of a connection that is lost: the policies of rumpclient(3). 0: calls fail with ENOTCONN; seconds: for
 * how long to try to get it back; `once`: one try; `inftime`: for ever; `die`: the program exits with status 1.
 */
export type Retry = number | "once" | "inftime" | "die";

const VARIABLE = "RUMP_RETRYCONNECT";
const ONCE_LEASE_MS = 10_000;
/** How much longer than it is tried for a session lives: the kernel may notice the loss first. */
const SLACK_MS = 10_000;
const LONGEST_MS = 2 ** 32 - 1;

/** What was asked for, else what the environment says. */
export function policy(retry: Retry | undefined): Retry {
  const value = retry ?? (process.env[VARIABLE] || 0);
  if (value === "once" || value === "inftime" || value === "die") {
    return value;
  }
  const seconds = Number(value);
  if (!(seconds >= 0)) {
    throw new Error(`retry ${JSON.stringify(value)}: seconds, once, inftime or die`);
  }
  return seconds;
}

export function tries(retry: Retry): boolean {
  return retry === "once" || retry === "inftime" || (retry !== "die" && retry > 0);
}

/** How long a session shall be kept, in milliseconds. */
export function leaseOf(retry: Retry): number {
  if (!tries(retry)) {
    return 0;
  }
  return retry === "once" ? ONCE_LEASE_MS : Math.min(Number(seconds(retry)) * 1000 + SLACK_MS, LONGEST_MS);
}

function seconds(retry: Retry): number {
  return typeof retry === "number" ? retry : Infinity;
}

/** Milliseconds to wait before each try: none at first, then 0.1 s more each time, from the tenth on 1 to 10 s. */
export function* waits(retry: Retry): Generator<number> {
  const end = performance.now() + seconds(retry) * 1000;
  for (let tried = 0; tries(retry) && (retry !== "once" || tried === 0); tried++) {
    const left = end - performance.now();
    if (left <= 0) {
      return;
    }
    yield Math.min(left, tried < 10 ? tried * 100 : Math.min(tried - 9, 10) * 1000);
  }
}
