import { useState } from "react";
import { useTranslation } from "react-i18next";
import { titleCase } from "@/lib/ids";
import { Button, ConfirmDialog, ErrorState, LoadingState, Modal, Note, Select, Stack } from "@/ui";
import { type Erasure, GROUNDS, useErase, useErasurePreview } from "./api";
import c from "./profiles.module.css";

const erasedOf = (count: Erasure["counts"][string]): number => (typeof count === "number" ? count : count.erased);

/** What goes and what stays, before and after. Erasing asks for the person's name, because nothing brings them back. */
export function EraseDialog({ profileId, name, onClose }: { profileId: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const preview = useErasurePreview(profileId, true);
  const erase = useErase(profileId);
  const [reason, setReason] = useState<string>("person_request");
  if (erase.data) {
    return (
      <Modal
        opened
        onClose={() => location.assign("/profiles")}
        title={<b>{t("erase.doneTitle")}</b>}
        size="lg"
        closeButtonProps={{ "aria-label": t("ui.close") }}
      >
        <Stack gap="md">
          <Note kind="good" title={t("erase.done")}>
            {t("erase.doneText")}
          </Note>
          <Counts report={erase.data} />
          <Button onClick={() => location.assign("/profiles")}>{t("ui.done")}</Button>
        </Stack>
      </Modal>
    );
  }
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={t("erase.title", { name })}
      confirm={t("erase.confirm")}
      danger
      busy={erase.isPending}
      disabled={!preview.data}
      typed={name}
      typedLabel={t("erase.typeName", { name })}
      onConfirm={() => erase.mutate(reason)}
    >
      <Stack gap="sm">
        <p className={c.hint}>{t("erase.text")}</p>
        {preview.isPending && <LoadingState rows={4} />}
        {preview.error && <ErrorState error={preview.error} onRetry={() => void preview.refetch()} />}
        {preview.data && <Counts report={preview.data} />}
        <Select
          label={t("erase.reason")}
          value={reason}
          onChange={(next) => next && setReason(next)}
          data={GROUNDS.map((one) => ({ value: one, label: t(`ground.${one}`) }))}
          comboboxProps={{ withinPortal: true }}
        />
        {erase.error && <ErrorState error={erase.error} />}
      </Stack>
    </ConfirmDialog>
  );
}

export function Counts({ report }: { report: Pick<Erasure, "counts" | "kept"> }) {
  const { t } = useTranslation();
  const gone = Object.entries(report.counts).filter(([, count]) => erasedOf(count) > 0);
  return (
    <div className={c.counts}>
      <div>
        <b>{t("erase.goes")}</b>
        <ul>
          {gone.length === 0 && <li>{t("ui.none")}</li>}
          {gone.map(([store, count]) => (
            <li key={store}>
              <span>{t(`store.${store}`, { defaultValue: titleCase(store) })}</span>
              <span className="tnum">{erasedOf(count)}</span>
            </li>
          ))}
        </ul>
      </div>
      <div>
        <b>{t("erase.stays")}</b>
        <ul>
          {report.kept.length === 0 && <li>{t("ui.none")}</li>}
          {report.kept.map((one) => (
            <li key={one.store} className={c.kept}>
              <span>
                {t(`store.${one.store}`, { defaultValue: titleCase(one.store) })}
                <small>{one.why}</small>
              </span>
              <span className="tnum">{one.count}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
