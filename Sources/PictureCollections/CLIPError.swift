@_exported public import struct CLIPSystem.CLIPError
