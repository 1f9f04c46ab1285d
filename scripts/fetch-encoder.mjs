// Fetches the pretrained InceptionV3 inside the npm package `nsfwjs` (MIT) and unpacks it into a plain tfjs
// layers-model folder: model.json, group1-shard*.bin and the package's LICENSE. Weights stay uint8.
//
//   node scripts/fetch-encoder.mjs --out DIR [--tarball nsfwjs-4.4.0.tgz]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runInNewContext } from 'node:vm';

const PACKAGE = 'nsfwjs@4.4.0';
// The package's files are scripts, which are run below to get at the data they wrap: so only these very bytes are.
const SHA512 = 'krC1fgeTLXtZwgdpKJ0jm7hqv0gTSRQQRL+FhOaxaJ9Wj92t42BO3csO2odwgTAgZgf2RvkwPtp0R8Aa7dc+MA==';
const MODEL_FOLDER = 'package/dist/models/inception_v3';
/** Weights of InceptionV3 without its top, as in Keras Applications: 94 kernels and three vectors a batch norm. */
const ENCODER_WEIGHTS = 21_802_784;

const usage = 'usage: node scripts/fetch-encoder.mjs --out DIR [--tarball nsfwjs-4.4.0.tgz]';

class FetchError extends Error {}

function command(program, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error) throw new FetchError(`cannot run ${program}: ${error.message}; install it and try again`);
  if (status !== 0)
    throw new FetchError(`${program} ${args.join(' ')} failed (exit ${status}):\n${stderr.trim()}`);
  return stdout;
}

/** Path of the package's tarball in `folder`, from the registry that npm is set up to use. */
function pack(folder) {
  command('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder], folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (!tarball) throw new FetchError(`npm pack ${PACKAGE} left no .tgz file`);
  return join(folder, tarball);
}

function verifyTarball(path) {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new FetchError(`cannot read the tarball: ${error.message}`);
  }
  const given = createHash('sha512').update(bytes).digest('base64');
  if (given !== SHA512)
    throw new FetchError(
      `${path} is not ${PACKAGE} as published: its SHA-512 is ${given}, expected ${SHA512}; fetch it again`,
    );
}

/** The value that a CommonJS file wrapped by browserify exports. */
function exportsOf(path) {
  const module = { exports: {} };
  runInNewContext(readFileSync(path, 'utf8'), { module, exports: module.exports }, { filename: path });
  return module.exports;
}

const size = (shape) => shape.reduce((product, side) => product * side, 1);

/** Throws unless the manifest holds every weight of InceptionV3, in the shapes that the topology states. */
function verifyWeights(topology, weights, byteLength) {
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  const expectShape = (name, shape) => {
    const given = byName.get(name)?.shape;
    if (JSON.stringify(given) !== JSON.stringify(shape))
      throw new FetchError(`${name}: shape ${given ? `[${given}]` : 'missing'}, expected [${shape}]`);
    return size(shape);
  };
  const layers = topology.model_config.config.layers;
  const byLayer = new Map(layers.map((layer) => [layer.name, layer]));
  const inputsOf = (layer) => (layer.inbound_nodes[0] ?? []).map(([name]) => byLayer.get(name));
  const channelsOf = (layer) => {
    if (layer.class_name === 'InputLayer') return layer.config.batch_input_shape[3];
    if (layer.class_name === 'Conv2D') return layer.config.filters;
    return inputsOf(layer).reduce((sum, input) => sum + channelsOf(input), 0);
  };
  const counts = { Conv2D: 0, BatchNormalization: 0 };
  let encoderWeights = 0;
  for (const layer of layers) {
    if (layer.class_name === 'Conv2D') {
      const [input] = inputsOf(layer);
      const { kernel_size, filters } = layer.config;
      encoderWeights += expectShape(`${layer.name}/kernel`, [...kernel_size, channelsOf(input), filters]);
    } else if (layer.class_name === 'BatchNormalization') {
      for (const part of ['beta', 'moving_mean', 'moving_variance'])
        encoderWeights += expectShape(`${layer.name}/${part}`, [channelsOf(layer)]);
    } else continue;
    counts[layer.class_name]++;
  }
  if (counts.Conv2D !== 94 || counts.BatchNormalization !== 94 || encoderWeights !== ENCODER_WEIGHTS)
    throw new FetchError(
      `found ${counts.Conv2D} convolutions, ${counts.BatchNormalization} batch norms and ${encoderWeights} ` +
        `weights, expected 94, 94 and ${ENCODER_WEIGHTS}`,
    );
  const foreign = weights.find((weight) => weight.quantization?.dtype !== 'uint8');
  if (foreign) throw new FetchError(`${foreign.name} is not stored as uint8, as all others are`);
  const expectedBytes = weights.reduce((sum, weight) => sum + size(weight.shape), 0);
  if (byteLength !== expectedBytes)
    throw new FetchError(`the shards hold ${byteLength} bytes, the manifest describes ${expectedBytes}`);
  return counts;
}

function unpack(tarball, folder, out) {
  command('tar', ['-xzf', tarball, '-C', folder, MODEL_FOLDER, 'package/LICENSE']);
  const model = exportsOf(join(folder, MODEL_FOLDER, 'model.min.js'));
  const [group] = model.weightsManifest;
  const shards = group.paths.map((name) => ({
    name: `${name}.bin`,
    bytes: Buffer.from(exportsOf(join(folder, MODEL_FOLDER, `${name}.min.js`)), 'base64'),
  }));
  const byteLength = shards.reduce((sum, shard) => sum + shard.bytes.length, 0);
  const counts = verifyWeights(model.modelTopology, group.weights, byteLength);

  mkdirSync(out, { recursive: true });
  for (const shard of shards) writeFileSync(join(out, shard.name), shard.bytes);
  const manifest = [{ paths: shards.map((shard) => shard.name), weights: group.weights }];
  writeFileSync(
    join(out, 'model.json'),
    JSON.stringify({
      format: 'layers-model',
      generatedBy: `keras v${model.modelTopology.keras_version}`,
      modelTopology: model.modelTopology,
      weightsManifest: manifest,
    }),
  );
  writeFileSync(join(out, 'LICENSE'), readFileSync(join(folder, 'package/LICENSE')));
  return { counts, byteLength, tensors: group.weights.length };
}

function main() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        out: { type: 'string' },
        tarball: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw Object.assign(new FetchError(`${error.message}\n${usage}`), { exitCode: 2 });
  }
  if (values.help) return console.log(usage);
  if (!values.out) throw Object.assign(new FetchError(`--out is missing\n${usage}`), { exitCode: 2 });

  const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-encoder-'));
  try {
    const tarball = values.tarball ? resolve(values.tarball) : pack(folder);
    verifyTarball(tarball);
    const { counts, byteLength, tensors } = unpack(tarball, folder, resolve(values.out));
    console.log(
      `${values.out}: InceptionV3 of ${PACKAGE}, ${counts.Conv2D} convolutions, ` +
        `${counts.BatchNormalization} batch norms, ${tensors} tensors, ${byteLength} bytes (uint8)`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  const expected = error instanceof FetchError || typeof error.code === 'string';
  if (!expected) throw error;
  console.error(`fetch-encoder: ${error.message}`);
  process.exitCode = error.exitCode ?? 1;
}
