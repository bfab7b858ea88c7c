/** The short form of an id, for eyes; the long form is always a click away. */
export const shortId = (id: string): string => id.slice(-8);

export const initials = (name: string): string => {
  const words = name
    .replace(/[^\p{L}\p{N}\s]/gu, " ")
    .trim()
    .split(/\s+/);
  const first = words[0]?.[0] ?? "?";
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? "") : "";
  return (first + last).toUpperCase();
};

const TONES = ["iris", "sky", "coral", "jade", "amber", "orchid"] as const;

/** The same name, the same colour. */
export const toneOf = (text: string): (typeof TONES)[number] => {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return TONES[sum % TONES.length] ?? "iris";
};

export const titleCase = (word: string): string => {
  const text = word.replaceAll(/[_.]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};
