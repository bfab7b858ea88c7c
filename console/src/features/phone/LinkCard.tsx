import { useTranslation } from "react-i18next";
import { Button, CopyText, Group } from "@/ui";
import c from "./phone.module.css";

/** A link is shown, and its click counted; nothing is fetched by the browser. */
export function LinkCard({ url, onOpen, onClose }: { url: string; onOpen: () => void; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <div className={c.linkCard} role="dialog" aria-label={t("phone.linkTitle")}>
      <b>{t("phone.linkTitle")}</b>
      <CopyText value={url} />
      <p>{t("phone.linkText")}</p>
      <Group gap={6} justify="flex-end">
        <Button size="compact-sm" variant="default" onClick={onClose}>
          {t("ui.close")}
        </Button>
        <Button
          size="compact-sm"
          onClick={() => {
            onOpen();
            onClose();
          }}
        >
          {t("phone.linkOpen")}
        </Button>
      </Group>
    </div>
  );
}
