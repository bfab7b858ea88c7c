import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { problemWords } from "@/lib/problems";
import { CopyText } from "./CopyText";
import c from "./ui.module.css";

/** What failed, what helps, try again, and the number under which the server wrote it down. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const words = problemWords(error, t);
  return (
    <div className={c.error} role="alert">
      <IconAlertTriangle size={20} aria-hidden="true" />
      <div>
        <b>{words.title}</b>
        {words.help && <p>{words.help}</p>}
        {words.requestId && (
          <p className={c.hint}>
            {t("ui.requestId")} <CopyText value={words.requestId} />
          </p>
        )}
        {onRetry && (
          <Button size="xs" variant="default" mt={8} onClick={onRetry}>
            {t("ui.tryAgain")}
          </Button>
        )}
      </div>
    </div>
  );
}
