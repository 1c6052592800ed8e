// TLV
