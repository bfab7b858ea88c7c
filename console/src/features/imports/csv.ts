/** The first lines of a CSV file, for a look before it is sent. */
export type Peek = { header: string[]; rows: string[][] };

const DELIMITERS = [",", ";", "\t", "|"] as const;

export function peek(text: string, most = 20): Peek {
  const lines = text.replace(/^\uFEFF/, "").slice(0, 200_000);
  const first = lines.split(/\r?\n/, 1)[0] ?? "";
  const delimiter = DELIMITERS.reduce<string>(
    (best, one) => (first.split(one).length > first.split(best).length ? one : best),
    ",",
  );
  const rows = parse(lines, delimiter, most + 1);
  return { header: rows[0] ?? [], rows: rows.slice(1, most + 1) };
}

function parse(text: string, delimiter: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < most; at++) {
    const sign = text[at] ?? "";
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') {
        cell += '"';
        at++;
      } else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"') quoted = true;
    else if (sign === delimiter) {
      row.push(cell);
      cell = "";
    } else if (sign === "\n") {
      row.push(cell.replace(/\r$/, ""));
      if (row.some((one) => one.trim())) rows.push(row);
      row = [];
      cell = "";
    } else cell += sign;
  }
  if (rows.length < most && (cell || row.length)) {
    row.push(cell);
    if (row.some((one) => one.trim())) rows.push(row);
  }
  return rows;
}

const GUESS: [RegExp, string][] = [
  [/^(phone|tel|telephone|mobile|mobil|telefoon|gsm|number)[ ._-]?(no|nr|number)?\.?$/i, "phone"],
  [/^e-?mail([ ._-]?address)?$/i, "email"],
  [/^(customer|client|klant|external)?[ ._-]?id$/i, "external_id"],
];

export const FIXED = [
  "phone",
  "wa_id",
  "bsuid",
  "email",
  "external_id",
  "consent_purpose",
  "consent_state",
  "consent_at",
  "consent_source",
  "consent_wording",
  "consent_topic",
  "consent_channel",
] as const;

/** What a column probably is; an attribute of its own name when nothing else fits. */
export function guess(column: string): string {
  const name = column.trim();
  const plain = name.toLowerCase().replaceAll(/[ -]/g, "_");
  if ((FIXED as readonly string[]).includes(plain)) return plain;
  return (
    GUESS.find(([pattern]) => pattern.test(name))?.[1] ?? `attribute:${plain.replaceAll(/[^a-z0-9_]/g, "") || "column"}`
  );
}

/** Mistakes as a CSV file to hand back to whoever made the list. */
export const errorsAsCsv = (
  errors: { line: number; field: string; code: string; message?: string | null }[],
): string => {
  const cell = (value: unknown) =>
    `"${String(value ?? "")
      .replaceAll('"', '""')
      .replace(/^[=+\-@]/, "'$&")}"`;
  return [
    "line,field,code,message",
    ...errors.map((one) => [one.line, one.field, one.code, one.message].map(cell).join(",")),
  ].join("\n");
};
