// Lines of one pixel, straight or curved, that cost next to nothing: thousands of
// them are one draw of GL lines, where deck.gl's own layers draw two triangles and
// more for each. On machines without a graphics processor that is a tenth of the time.

import { Layer, project32, type LayerProps, type UpdateParameters } from "@deck.gl/core";
import { Model } from "@luma.gl/engine";

/** Ends of line pieces, two vertices each. */
export interface Strokes {
  /** x, y and z of each vertex. */
  positions: Float32Array;
  /** Red, green, blue and opacity of each vertex, 0 to 255. */
  colours: Uint8Array;
}

const vs = `#version 300 es
in vec3 positions;
in vec4 colours;
out vec4 colour;
void main() {
  gl_Position = project_position_to_clipspace(positions, vec3(0.0), vec3(0.0));
  colour = colours;
}`;

const fs = `#version 300 es
precision mediump float;
in vec4 colour;
out vec4 fragColor;
void main() {
  fragColor = colour;
}`;

export class StrokeLayer extends Layer<LayerProps> {
  static override layerName = "StrokeLayer";
  declare state: { model: Model };

  override getShaders(): ReturnType<Layer["getShaders"]> {
    return super.getShaders({ vs, fs, modules: [project32] });
  }

  override initializeState(): void {
    this.getAttributeManager()!.remove(["instancePickingColors"]);
    this.getAttributeManager()!.add({
      positions: { size: 3, type: "float32", accessor: "getPosition" },
      colours: { size: 4, type: "unorm8", accessor: "getColor" },
    });
    this.setState({
      model: new Model(this.context.device, {
        ...this.getShaders(),
        id: this.props.id,
        bufferLayout: this.getAttributeManager()!.getBufferLayouts(),
        topology: "line-list",
        isInstanced: false,
      }),
    });
  }

  override updateState(params: UpdateParameters<this>): void {
    super.updateState(params);
    if (params.changeFlags.dataChanged) this.state.model.setVertexCount(this.getNumInstances());
  }

  override draw(): void {
    this.state.model.draw(this.context.renderPass);
  }
}

/** Pieces of a curve on the map. */
const pieces = 6;
/** How far a curve leaves the straight line, as a share of its length. */
const bulge = 0.12;

type Point = readonly [number, number];

/**
 * A stroke from a to b for each of count lines: straight, or a bow to the left of
 * the way from a to b, so that the two ways between two points are two bows.
 */
export function strokes(count: number, bow: boolean, a: (i: number) => Point, b: (i: number) => Point, colour: (i: number) => readonly number[]): Strokes {
  const each = bow ? pieces : 1;
  const positions = new Float32Array(count * each * 2 * 3);
  const colours = new Uint8Array(count * each * 2 * 4);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [from, to, paint] = [a(i), b(i), colour(i)];
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const [cx, cy] = [(from[0] + to[0]) / 2 - bulge * 2 * dy, (from[1] + to[1]) / 2 + bulge * 2 * dx];
    for (let j = 0; j < each; j++) {
      for (const t of [j / each, (j + 1) / each]) {
        // A Bézier curve of the second degree; straight ones have their ends only.
        const u = 1 - t;
        positions[at * 3] = u * u * from[0] + 2 * u * t * cx + t * t * to[0];
        positions[at * 3 + 1] = u * u * from[1] + 2 * u * t * cy + t * t * to[1];
        colours.set(paint, at * 4);
        at++;
      }
    }
  }
  return { positions, colours };
}

/** The data that a StrokeLayer takes. */
export const vertices = (s: Strokes) => ({
  length: s.positions.length / 3,
  attributes: { getPosition: { value: s.positions, size: 3 }, getColor: { value: s.colours, size: 4, normalized: true } },
});
