// The worker that runs the layout. It answers a graph with positions, several
// times until they are settled.

import { Layout, type Graph } from "./layout.ts";

/** Steps between two answers: the picture moves, and messages stay few. */
const stepsPerAnswer = 8;

const layout = new Layout();
let running = false;

addEventListener("message", (event: MessageEvent<Graph>) => {
  layout.set(event.data);
  if (!running) {
    running = true;
    run();
  }
});

function run(): void {
  let more = true;
  for (let i = 0; more && i < stepsPerAnswer; i++) more = layout.step();
  const answer = layout.positions();
  postMessage({ ...answer, settled: !more }, { transfer: [answer.xy.buffer] });
  running = more;
  // A message may be waiting: let it in between two batches.
  if (more) setTimeout(run);
}
