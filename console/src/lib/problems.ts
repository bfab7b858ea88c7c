import type { TFunction } from "i18next";
import { ApiProblem } from "./http";

/** Codes with words of our own (`problem.<code>.title` and `.help`); all others show what the server says. */
export const KNOWN = [
  "unreachable",
  "unauthenticated",
  "wrong_credentials",
  "too_many_attempts",
  "csrf_failed",
  "missing_right",
  "not_found",
  "invalid_input",
  "unknown_link",
  "link_expired",
  "link_used",
  "last_admin",
  "not_simulated",
  "simulator_unreachable",
  "body_too_large",
  "database_unavailable",
] as const;
type Known = (typeof KNOWN)[number];

export type ProblemWords = {
  title: string;
  help: string;
  requestId: string | null;
  fields: { field: string; code: string; words: string }[];
};

const isKnown = (code: string): code is Known => (KNOWN as readonly string[]).includes(code);

export function problemWords(error: unknown, t: TFunction): ProblemWords {
  if (!(error instanceof ApiProblem)) {
    return { title: t("problem.unexpected.title"), help: t("problem.unexpected.help"), requestId: null, fields: [] };
  }
  const known = isKnown(error.code);
  const data = { ...error.data, right: error.data.right ?? error.data.missing ?? "" };
  return {
    title: known ? t(`problem.${error.code}.title`, data) : error.title || t("problem.unexpected.title"),
    help: known
      ? t(`problem.${error.code}.help`, data)
      : typeof error.data.detail === "string"
        ? error.data.detail
        : "",
    requestId: error.requestId,
    fields: error.fields.map((field) => ({
      field: field.field,
      code: field.code,
      words: field.message || field.code.replaceAll("_", " "),
    })),
  };
}

/** The words that belong beside one field of a form. */
export function fieldWords(error: unknown, name: string): string | undefined {
  if (!(error instanceof ApiProblem)) return undefined;
  const found = error.fields.find((field) => field.field === name || field.field.endsWith(`.${name}`));
  return found ? found.message || found.code.replaceAll("_", " ") : undefined;
}

export const isCode = (error: unknown, code: string): boolean => error instanceof ApiProblem && error.code === code;
