// Hook of elements.wgsl: gradient of the queries of additive attention, and of the score from each of
// them. An invocation owns a unit of a row and walks the places in order.
struct Params {
  grids: u32,
  places: u32,
  units: u32,
}

@group(0) @binding(0) var<storage, read> keys: array<f32>;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> score: array<f32>;
// Bound as unsigned: a negative number is then a large one, of no grid either.
@group(0) @binding(3) var<storage, read> choice: array<u32>;
@group(0) @binding(4) var<storage, read> g: array<f32>;
@group(0) @binding(5) var<storage, read_write> dQueries: array<f32>;
@group(0) @binding(6) var<storage, read_write> dScore: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn element(index: u32) {
  let i = index % params.units;
  let row = index / params.units;
  let grid = choice[row];
  var ofQuery = 0.0;
  var ofScore = 0.0;
  if (grid < params.grids) {
    for (var place = 0u; place < params.places; place++) {
      let key = keys[(grid * params.places + place) * params.units + i];
      let t = tanh(clamp(key + queries[index], -15.0, 15.0));
      let slope = g[row * params.places + place];
      ofQuery += slope * (1.0 - t * t);
      ofScore += slope * t;
    }
  }
  dQueries[index] = ofQuery * score[i];
  dScore[index] = ofScore;
}
