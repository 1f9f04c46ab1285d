// Hook of row-reduction.wgsl: a row is a place as a query sees it, and its sum the score of additive attention; x are the
// keys of the places.
const LANES: u32 = 64u;

alias Partial = f32;

struct Params {
  columns: u32,
  grids: u32,
  places: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> score: array<f32>;
// Bound as unsigned: a negative number is then a large one, of no grid either.
@group(0) @binding(3) var<storage, read> choice: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn walk(row: u32, lane: u32) -> Partial {
  let sentence = row / params.places;
  let grid = choice[sentence];
  if (grid >= params.grids) {
    return 0.0;
  }
  let key = (grid * params.places + row % params.places) * params.columns;
  let query = sentence * params.columns;
  var sum = 0.0;
  for (var i = lane; i < params.columns; i += LANES) {
    sum += score[i] * tanh(clamp(x[key + i] + queries[query + i], -15.0, 15.0));
  }
  return sum;
}

fn finish(row: u32, lane: u32, whole: Partial) {
  if (lane == 0u) {
    y[row] = whole;
  }
}
