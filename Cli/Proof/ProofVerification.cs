using System.Text;
using System.Text.Unicode;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Proof;

/// <summary>Checks a proof's file without any service.</summary>
internal static class ProofVerification
{
    private const int MaxKeyBytes = 4096;

    /// <summary>Checks a file, prints what it proves, or what is wrong with it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keyPath">A file with the public key that must have signed it, or null.</param>
    /// <returns>The exit code: that of the verdict, where nothing is wrong with the file.</returns>
    public static int Run(string path, string? keyPath)
    {
        if (Read(path, SignedDocument.MaxBytes, out var code) is not { } text)
        {
            return code;
        }

        SourceStatement? source = null;
        SignedDocument? sourceDocument = null;
        var wrong = ProofContent.TryRead(text, out var document, out var proof);
        if (wrong is null && proof!.TryReadStatement(out sourceDocument, out source) is { } statementWrong)
        {
            wrong = $"the source's statement in it: {statementWrong}";
        }

        if (wrong is not null)
        {
            return Say($"{path} is no valid proof: {wrong}", ExitCode.Partial);
        }

        if (keyPath is not null)
        {
            if (Read(keyPath, MaxKeyBytes, out code) is not { } keyText)
            {
                return code;
            }

            if (ProofKey.ParsePublic(keyText) is not { } key)
            {
                return Say($"{keyPath} holds no public key of ECDSA on P-256; zfrepl proof key prints one", ExitCode.Usage);
            }

            if (key != document!.Key)
            {
                return Say(
                    $"{path} was signed with another key: {ProofKey.Fingerprint(document.Key)}, {keyPath} holds {ProofKey.Fingerprint(key)}",
                    ExitCode.Partial);
            }
        }

        var misfits = ProofJudge.Check(proof!, source!);
        foreach (var misfit in misfits)
        {
            Console.Error.WriteLine($"zfrepl: {path}: {misfit}");
        }

        if (misfits.Count > 0)
        {
            return ExitCode.Partial;
        }

        ProofReport.Print(document!, proof!, source!);
        Console.WriteLine("the file is unchanged since it was signed; sums, chain and verdict follow from what it states");
        if (keyPath is null)
        {
            Console.WriteLine(
                $"that {proof!.Target} signed it is proved only once you have compared the key: zfrepl proof key prints {ProofKey.Fingerprint(document!.Key)} there, "
                + $"and {ProofKey.Fingerprint(sourceDocument!.Key)} at {proof.Source}");
        }

        return CodeOf(proof!.Verdict);
    }

    /// <summary>The exit code for a verdict.</summary>
    public static int CodeOf(string verdict) => verdict switch
    {
        ProofContent.Proven or ProofContent.Accounted => ExitCode.Ok,
        ProofContent.Undecided => ExitCode.TryLater,
        _ => ExitCode.Partial,
    };

    private static string? Read(string path, int maxBytes, out int code)
    {
        code = ExitCode.Ok;
        var read = StorageFiles.ReadAll(DiskStorage.Instance, Path.GetFullPath(path.Length == 0 ? "." : path), maxBytes);
        if (!read.IsOk)
        {
            code = Say($"{path} can't be read: {read.Error}", read.Error.IsNotFound ? ExitCode.NotFound : ExitCode.Failed);
            return null;
        }

        if (Utf8.IsValid(read.Value))
        {
            return Encoding.UTF8.GetString(read.Value);
        }

        code = Say($"{path} is no text", ExitCode.Partial);
        return null;
    }

    private static int Say(string text, int code)
    {
        Console.Error.WriteLine($"zfrepl: {text}");
        return code;
    }
}
