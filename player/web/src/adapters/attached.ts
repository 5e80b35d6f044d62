// What an attach function gives back.
import type { EngineStats } from "../engine.ts";
import type { Session } from "./session.ts";

export interface Attached {
  /** Figures of this player's swarm; undefined before its manifest was asked for. */
  stats(): EngineStats | undefined;
  /** Leaves the swarm; the player goes on from the origin. */
  close(): void;
}

export const attached = (session: Session, undo: () => void): Attached => ({
  stats: () => session.stats(),
  close() {
    undo();
    session.close();
  },
});
