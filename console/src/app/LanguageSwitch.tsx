import { useTranslation } from "react-i18next";
import { LANGUAGES, speak } from "@/i18n";
import { SegmentedControl } from "@/ui";

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t("shell.language")}
      value={i18n.language}
      onChange={(language) => void speak(language)}
      data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
    />
  );
}
