/**
 * The one family of errors. A message says what was given, what was expected and what to do; the class says which
 * part of the interface was misused or failed, so that a program can decide without reading the message.
 */
export class EkphrasisError extends Error {
  override readonly name: string = 'EkphrasisError';
}

/** Shapes that do not fit the operation, or attributes that make an impossible shape. */
export class ShapeError extends EkphrasisError {
  override readonly name = 'ShapeError';
}

/** A tensor of another element type than the operation takes. */
export class DTypeError extends EkphrasisError {
  override readonly name = 'DTypeError';
}

/** Use of a tensor, parameter or device after it was disposed. */
export class DisposedError extends EkphrasisError {
  override readonly name = 'DisposedError';
}

/** A request that is well formed but that this engine does not do (an op without gradient, an unknown layer). */
export class UnsupportedError extends EkphrasisError {
  override readonly name = 'UnsupportedError';
}

/** A model, weight, tokeniser or data-set file that is damaged, incomplete or of another format. */
export class FormatError extends EkphrasisError {
  override readonly name = 'FormatError';
}

/** An image that cannot be decoded: broken, oversized or of a foreign format. */
export class ImageError extends EkphrasisError {
  override readonly name = 'ImageError';
}

/** A WGSL kernel that failed to compile, to bind or to run. */
export class KernelError extends EkphrasisError {
  override readonly name = 'KernelError';
}

/** The GPU device went away (driver reset, unplugged, destroyed); tensors on it are gone. */
export class DeviceLostError extends EkphrasisError {
  override readonly name = 'DeviceLostError';
}

/** The device cannot allocate what was asked for. */
export class OutOfMemoryError extends EkphrasisError {
  override readonly name = 'OutOfMemoryError';
}

/** No WebGPU adapter of the wanted kind is present. */
export class NoAdapterError extends EkphrasisError {
  override readonly name = 'NoAdapterError';
}
