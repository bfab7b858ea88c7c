import { parsePhoneNumberFromString } from "libphonenumber-js/min";

/** "+447700900123" as "+44 7700 900123"; what is no number stays as it is. */
export function phone(value: string): string {
  const text = /^\d{7,15}$/.test(value) ? `+${value}` : value;
  return parsePhoneNumberFromString(text)?.formatInternational() ?? value;
}

export const isPhone = (value: string): boolean => /^\+?[\d\s().-]{7,20}$/.test(value.trim());

/** The digits alone, as the platform names a person. */
export const digits = (value: string): string => value.replace(/\D/g, "");
