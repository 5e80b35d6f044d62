// The swarm of a manifest (player/swarmid.go).
import { hex } from "../segments/bytes.ts";
import { digest } from "./key.ts";

/** What signalling accepts, in bytes. */
const maxSwarmName = 256;

/**
 * Host in lower case, port unless it is the scheme's own, and path. Scheme, user, query and
 * fragment are left out: they carry tokens, and http and https play the same bytes. A name
 * that is too long becomes its host, "/~" and the SHA-224 of all of it.
 *
 * @param address absolute URL of the manifest as the page names it
 */
export function swarmID(address: string): string {
  const url = new URL(address);
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`shoal: manifest ${address}: want http: or https:`);
  const name = url.host + url.pathname;
  if (name.length <= maxSwarmName) return name;
  const sum = hex(digest(name));
  return url.host.slice(0, maxSwarmName - 2 - sum.length) + "/~" + sum;
}
