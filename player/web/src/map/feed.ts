// The admin port's JSON and event streams, signal/ADMIN.md.

import { changed, type Change, type Summary, type Swarm } from "./model.ts";

/** All swarms of this server, the largest first. */
export async function swarms(): Promise<Summary[]> {
  const answer = await fetch("api/swarms");
  if (!answer.ok) throw new Error(`the server answered ${answer.status} ${answer.statusText}`);
  return ((await answer.json()) as { swarms: Summary[] }).swarms;
}

/**
 * Follows one swarm until the function returned is called. The stream reconnects by
 * itself and begins anew with the whole state.
 */
export function follow(swarm: string, update: (s: Swarm) => void, trouble: (why: string) => void): () => void {
  const events = new EventSource(`api/swarms/${encodeURIComponent(swarm)}/events?cluster`);
  let state: Swarm | undefined;
  events.addEventListener("state", (event: MessageEvent<string>) => {
    trouble("");
    state = JSON.parse(event.data) as Swarm;
    update(state);
  });
  events.addEventListener("change", (event: MessageEvent<string>) => {
    if (!state) return;
    state = changed(state, JSON.parse(event.data) as Change);
    update(state);
  });
  events.addEventListener("end", () => {
    events.close();
    trouble("the last member has left this server");
  });
  events.onerror = () => trouble("the server does not answer; trying again …");
  return () => events.close();
}
