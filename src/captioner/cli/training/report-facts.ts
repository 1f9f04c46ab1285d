interface SetSizes {
  readonly train: number;
  readonly dev: number;
}

/** What a report tells beside the state. */
export interface ReportFacts {
  /** Description of the device. */
  readonly device: string;
  /** Of all data sets together, and of each. */
  readonly images: SetSizes;
  readonly sets: readonly (SetSizes & { readonly path: string; readonly layout: string })[];
  /** Files of sentences without images, where these are trained on. */
  readonly text: readonly { readonly path: string; readonly sentences: number }[];
  readonly wordIds: number;
}
