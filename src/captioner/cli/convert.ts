#!/usr/bin/env node
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError } from '../../kernels/op/errors.ts';
import { inceptionWeights } from '../../nn/formats/inception-weights.ts';
import { parseJsonObject } from '../../nn/formats/json-fields.ts';
import { readKerasHdf5 } from '../../nn/formats/keras-hdf5.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { safetensorsParts } from '../../nn/formats/safetensors.ts';
import { readTfjsLayers } from '../../nn/formats/tfjs-layers.ts';
import type { WeightEncoding } from '../../nn/formats/weights.ts';
import type { RecurrentActivation } from '../config.ts';
import { captionerFiles, convertCaptioner, matricesOnly } from '../convert/captioner.ts';
import { choiceFlag, readArguments, UsageError } from './arguments.ts';
import { folderSource, packageVersion, reasonOf } from './files.ts';
import { runCommand, type Terminal } from './terminal.ts';

const help = `Turn Keras or TensorFlow.js weights into the files that ekphrasis runs.

A whole captioner, from the files of the original (with or without attention), into a folder for caption.js --model:
  node dist/convert.js --encoder Encoder.hdf5 --decoder Decoder.hdf5 --tokenizer tokenizer.pickle --out DIR

An InceptionV3 alone, from Keras HDF5 (.h5) or a TensorFlow.js layers-model (model.json), into one file:
  node dist/convert.js --inception FILE --out encoder.safetensors

Options:
  --quantise TYPE              store matrices as float16, uint16 or uint8 (default: as they are)
  --recurrent-activation NAME  sigmoid or hard_sigmoid, for a decoder saved without its architecture
                               (default: that of the Keras version which saved it)
  --force                      replace files that exist
  --help                       print this help
  --version                    print the version

Exit code: 0 converted, 1 a file could not be read, converted or written, 2 the command line cannot be used.
`;

const flags = {
  encoder: { type: 'string' },
  decoder: { type: 'string' },
  tokenizer: { type: 'string' },
  inception: { type: 'string' },
  out: { type: 'string' },
  quantise: { type: 'string' },
  'recurrent-activation': { type: 'string' },
  force: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
  version: { type: 'boolean', default: false },
} as const;

interface Output {
  readonly path: string;
  readonly parts: readonly Uint8Array[];
}

async function main(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, flags);
  if (values.help) terminal.print(help.trimEnd());
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;
  if (positionals.length)
    throw new UsageError(`every file has its flag, and "${positionals[0]}" has none. See --help.`);
  const { encoder, decoder, tokenizer, inception, out, force, quantise } = values;
  const activation = values['recurrent-activation'];
  const encoding = quantise && choiceFlag('--quantise', quantise, ['float16', 'uint16', 'uint8']);
  const options = {
    ...(encoding && { encoding }),
    ...(activation && {
      recurrentActivation: choiceFlag('--recurrent-activation', activation, ['sigmoid', 'hard_sigmoid']),
    }),
  };
  if (!out) throw new UsageError('--out, the file or folder to write, is missing. See --help.');
  if (inception && !encoder && !decoder && !tokenizer) {
    if (activation)
      throw new UsageError('--recurrent-activation is for a decoder; an InceptionV3 has none. See --help.');
    await refuseReplacing([out], force);
    report(await convertInception(inception, out, options.encoding, terminal), terminal);
    return 0;
  }
  if (inception || !encoder || !decoder || !tokenizer) {
    throw new UsageError(
      'give --encoder, --decoder and --tokenizer together, or --inception alone. See --help.',
    );
  }
  await refuseReplacing(
    captionerFiles.map((name) => join(out, name)),
    force,
  );
  report(await convertFolder({ encoder, decoder, tokenizer }, out, options, terminal), terminal);
  return 0;
}

async function convertInception(
  path: string,
  out: string,
  encoding: WeightEncoding | undefined,
  terminal: Terminal,
): Promise<Output[]> {
  const { weights, ignored } = inceptionWeights(await readInception(path));
  const outputs = [
    { path: out, parts: safetensorsParts(weights.values(), { encoding: matricesOnly(encoding) }) },
  ];
  await writeAll(outputs, dirname(out));
  if (ignored.length) terminal.say(`not part of InceptionV3, left out: ${ignored.join(', ')}`);
  return outputs;
}

async function convertFolder(
  paths: { readonly encoder: string; readonly decoder: string; readonly tokenizer: string },
  out: string,
  options: { readonly encoding?: WeightEncoding; readonly recurrentActivation?: RecurrentActivation },
  terminal: Terminal,
): Promise<Output[]> {
  const sources = {
    encoder: readKerasHdf5(await readInput(paths.encoder), paths.encoder),
    decoder: readKerasHdf5(await readInput(paths.decoder), paths.decoder),
    tokenizer: await readInput(paths.tokenizer),
  };
  const { config, files, notes } = convertCaptioner(sources, options);
  const outputs = [...files].map(([name, parts]) => ({ path: join(out, name), parts }));
  await writeAll(outputs, out);
  for (const note of notes) terminal.say(note);
  const { attention, units, vocabulary } = config.decoder;
  terminal.say(
    `captioner ${attention ? 'with' : 'without'} attention, LSTM ${units}, vocabulary ${vocabulary}`,
  );
  return outputs;
}

async function readInception(path: string): Promise<KerasModel> {
  const bytes = await readInput(path);
  if (bytes[0] === 0x89) return readKerasHdf5(bytes, path);
  if (new TextDecoder().decode(bytes.subarray(0, 256)).trimStart()[0] !== '{') {
    throw new FormatError(
      `${path} is neither HDF5 nor JSON. Give a Keras .h5 file or the model.json of a layers-model.`,
    );
  }
  const model = parseJsonObject(new TextDecoder().decode(bytes), path);
  return readTfjsLayers(model, folderSource(dirname(path)), path);
}

async function readInput(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new FormatError(`${path} ${reasonOf(error)}.`);
  }
}

async function refuseReplacing(paths: readonly string[], force: boolean): Promise<void> {
  for (const path of paths) {
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isDirectory()) throw new FormatError(`${path} is a folder. Give another --out.`);
    if (facts && !force)
      throw new FormatError(`${path} exists already. Give another --out, or --force to replace it.`);
  }
}

/** Writes every file beside its place first and then renames, so that none is ever there by half. */
async function writeAll(outputs: readonly Output[], folder: string): Promise<void> {
  const temporary = (path: string) => `${path}.${process.pid}.tmp`;
  try {
    await mkdir(folder, { recursive: true });
    for (const { path, parts } of outputs) await writeFile(temporary(path), parts);
    for (const { path } of outputs) await rename(temporary(path), path);
  } catch (error) {
    await Promise.allSettled(outputs.map(({ path }) => rm(temporary(path), { force: true })));
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new FormatError(
      `${folder} cannot be written to (${code}). Give another --out, or mend its permissions and free space.`,
    );
  }
}

function report(outputs: readonly Output[], terminal: Terminal): void {
  for (const { path, parts } of outputs) {
    const megabytes = parts.reduce((sum, part) => sum + part.byteLength, 0) / 1e6;
    terminal.say(`wrote ${path} (${megabytes.toFixed(megabytes < 1 ? 3 : 1)} MB)`);
  }
}

await runCommand('convert', main);
