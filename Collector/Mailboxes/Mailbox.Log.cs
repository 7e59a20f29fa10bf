using Microsoft.Extensions.Logging;

namespace ZfRepl.Collector.Mailboxes;

public sealed partial class Mailbox
{
    /// <summary>The mailbox's log messages, event ids 1100 to 1119.</summary>
    private sealed partial class Log(ILogger logger, string mailbox)
    {
        public void Opened(string stream, int blocks, ulong next) => Opened(logger, mailbox, stream, blocks, next);

        public void Finding(string finding) => Finding(logger, mailbox, finding);

        public void Damaged(string block) => Damaged(logger, mailbox, block);

        public void Expired(string block, ulong events) => Expired(logger, mailbox, block, events);

        public void RelayRefused(string block, string reason) => RelayRefused(logger, mailbox, block, reason);

        public void RelayDamaged(string block, string reason) => RelayDamaged(logger, mailbox, block, reason);

        public void Trouble(string text) => Trouble(logger, mailbox, text);

        public void NotRecoded(string block, string reason) => NotRecoded(logger, mailbox, block, reason);

        public void TroubleOver() => TroubleOver(logger, mailbox);

        [LoggerMessage(1100, LogLevel.Information, "mailbox {Mailbox}: stream {Stream}, {Blocks} blocks wait, next sequence number {Next}")]
        private static partial void Opened(ILogger logger, string mailbox, string stream, int blocks, ulong next);

        [LoggerMessage(1101, LogLevel.Warning, "mailbox {Mailbox}: found at start: {Finding}")]
        private static partial void Finding(ILogger logger, string mailbox, string finding);

        [LoggerMessage(1102, LogLevel.Error, "mailbox {Mailbox}: block {Block} is damaged; its intact frames go on, the original is kept aside")]
        private static partial void Damaged(ILogger logger, string mailbox, string block);

        [LoggerMessage(1103, LogLevel.Warning, "mailbox {Mailbox}: LOSS: nobody fetched block {Block} in time; its {Events} events are entered into the loss ledger")]
        private static partial void Expired(ILogger logger, string mailbox, string block, ulong events);

        [LoggerMessage(1104, LogLevel.Error, "mailbox {Mailbox}: {Text}")]
        private static partial void Trouble(ILogger logger, string mailbox, string text);

        [LoggerMessage(1106, LogLevel.Warning, "mailbox {Mailbox}: block {Block} stays in rows, it can't be re-coded: {Reason}")]
        private static partial void NotRecoded(ILogger logger, string mailbox, string block, string reason);

        [LoggerMessage(1105, LogLevel.Information, "mailbox {Mailbox}: the disk takes writes again")]
        private static partial void TroubleOver(ILogger logger, string mailbox);

        [LoggerMessage(1107, LogLevel.Error, "mailbox {Mailbox}: relayed block {Block} is refused: {Reason}; data: it stays at the node that has it")]
        private static partial void RelayRefused(ILogger logger, string mailbox, string block, string reason);

        [LoggerMessage(1108, LogLevel.Error, "mailbox {Mailbox}: relayed block {Block} is given up: {Reason}; data: the loss ledger names its events")]
        private static partial void RelayDamaged(ILogger logger, string mailbox, string block, string reason);
    }
}
