/** Micro-units of a currency as a person reads them; small prices keep the digits that matter. */
export function money(micros: number, currency: string, locale: string): string {
  const amount = micros / 1_000_000;
  const digits = amount !== 0 && Math.abs(amount) < 1 ? 4 : 2;
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(amount);
}

export const count = (value: number, locale: string): string => new Intl.NumberFormat(locale).format(value);

export const share = (part: number, whole: number, locale: string): string =>
  new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(whole ? part / whole : 0);

export const bytes = (size: number, locale: string): string =>
  size < 1024 * 1024
    ? new Intl.NumberFormat(locale, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 }).format(size / 1024)
    : new Intl.NumberFormat(locale, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 }).format(
        size / 1_048_576,
      );
