import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", nl: "Nederlands" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "sojourn-language";
const loaders: Record<Language, () => Promise<{ default: object }>> = {
  en: () => import("./en.json"),
  nl: () => import("./nl.json"),
};

const isLanguage = (text: string): text is Language => text in LANGUAGES;

function first(): Language {
  let kept = "";
  try {
    kept = localStorage.getItem(KEPT) ?? "";
  } catch {
    // storage is closed
  }
  if (isLanguage(kept)) return kept;
  const wanted = navigator.language.slice(0, 2);
  return isLanguage(wanted) ? wanted : "en";
}

async function learn(language: Language): Promise<void> {
  if (i18next.hasResourceBundle(language, "translation")) return;
  const words = await loaders[language]();
  i18next.addResourceBundle(language, "translation", words.default);
}

/** Speak a language from now on; its words are fetched when they are needed first. */
export async function speak(language: string): Promise<void> {
  if (!isLanguage(language)) return;
  await learn(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  document.documentElement.dir = i18next.dir(language);
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // storage is closed
  }
}

export async function startLanguages(language: Language = first()): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: {},
    lng: language,
    fallbackLng: "en",
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  await speak(language);
}
