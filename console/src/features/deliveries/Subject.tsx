import { useTranslation } from "react-i18next";
import type { DeliveryRow } from "./api";
import c from "./deliveries.module.css";

/** What a delivery says, in a line: its template and the beginning of its text. */
export function Subject({ row }: { row: Pick<DeliveryRow, "template" | "body" | "purpose"> }) {
  const { t } = useTranslation();
  const purpose = t(`purpose.${row.purpose}`, { defaultValue: row.purpose });
  return (
    <span className={c.subject}>
      <span className={c.words}>{row.body || row.template || t("delivery.free")}</span>
      <small>{row.template ? `${row.template} · ${purpose}` : purpose}</small>
    </span>
  );
}
